/** The live connection. It comes back by itself; what was missed arrives in the snapshot that starts each connection. */

const SHORTEST = 500;
const LONGEST = 30_000; // where the server answers but cannot serve
const UNREACHABLE = 2_500; // where nothing answers: whoever waits is to be right again soon after it does
const CONNECTING = 4_000; // a packet that was lost is sent again after 1 and after 3 s
const DOOR = '/health/live';
const SILENCE = 35_000; // the server says something at least every 25 s
const SIGNED_OUT = 4401;
const CLOSED = 4503; // planned work: worth looking again
const LOOK_EVERY = 10_000;

export class LiveSocket {
  #socket = null;
  #timer = null;
  #watchdog = null;
  #attempt = 0;
  #closed = false;
  #isSettled = false;
  #isReached = false;

  /** @param {{message: Function, state: Function}} listener state is 'open', 'waiting', 'signed-out' or 'closed', with the
   *  operator's own words */
  constructor(path, listener) {
    this.url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path}`;
    this.listener = listener;
    addEventListener('online', () => this.reconnect());
    addEventListener('offline', () => this.#socket?.close());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible' && !this.isOpen) this.reconnect();
    });
    // A page kept in the back/forward cache must not hold a connection, and starts afresh when it is shown again.
    addEventListener('pagehide', () => this.#end());
    addEventListener('pageshow', (event) => event.persisted && this.reconnect());
    this.#open();
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Connect now, whatever the waiting time. */
  reconnect() {
    if (this.#closed) return;
    this.#attempt = 0;
    this.#end();
    this.#open();
  }

  #open() {
    clearTimeout(this.#timer);
    const socket = new WebSocket(this.url);
    let reason = '';
    this.#isSettled = false;
    this.#isReached = false;
    this.#socket = socket;
    this.#giveUpAfter(CONNECTING, () => socket.close());
    socket.onopen = () => {
      this.#isReached = true;
      this.#giveUpAfter(SILENCE, () => this.reconnect());
    };
    socket.onmessage = (event) => {
      this.#giveUpAfter(SILENCE, () => this.reconnect());
      const message = JSON.parse(event.data);
      if (message.type === 'maintenance') reason = message.message;
      this.listener.message(message);
      // The server accepts before it knows whether it can serve: the first tick after the snapshot is the proof.
      if (message.type === 'queue') this.#settled();
    };
    socket.onclose = (event) => {
      if (socket !== this.#socket) return;
      clearTimeout(this.#watchdog);
      if (event.code === SIGNED_OUT) {
        this.#closed = true;
        this.listener.state('signed-out');
      } else if (event.code === CLOSED) {
        this.#lookAgain(reason);
      } else {
        this.#wait();
      }
    };
  }

  #settled() {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#attempt = 0;
    this.listener.state('open');
  }

  /** Full jitter: a restarted server must not meet every browser at the same moment. */
  #wait() {
    const most = Math.min(this.#isReached ? LONGEST : UNREACHABLE, SHORTEST * 2 ** this.#attempt++);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#isReached ? this.#open() : this.#knock(), SHORTEST / 2 + Math.random() * most);
    this.listener.state('waiting');
  }

  /** Not all browsers at once, and none so late that a person would rather reload. */
  #lookAgain(reason) {
    this.#attempt = 0;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#open(), LOOK_EVERY * (0.3 + 0.7 * Math.random()));
    this.listener.state('closed', reason);
  }

  /** Browsers hold back WebSockets for seconds after several that failed, but not requests: ask first. */
  async #knock() {
    const before = this.#socket;
    try {
      await fetch(DOOR, { cache: 'no-store', signal: AbortSignal.timeout(CONNECTING) });
    } catch {
      if (before === this.#socket) this.#wait();
      return;
    }
    if (before === this.#socket) this.#open();
  }

  #giveUpAfter(milliseconds, giveUp) {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(giveUp, milliseconds);
  }

  #end() {
    clearTimeout(this.#timer);
    clearTimeout(this.#watchdog);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}
