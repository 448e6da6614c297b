/** The create page: composer on one side, live feed on the other. */

import { Actions, OlderPages, progressTitle } from './actions.js';
import { Batch } from './batch.js';
import { Composer } from './composer.js';
import { embedded, show } from './dom.js';
import { Feed } from './feed.js';
import { bindKeys } from './keys.js';
import { goLive } from './live.js';
import { Notes } from './notes.js';
import { readPictures } from './picture.js';
import { startPrompting } from './prompting.js';
import { Sheet } from './sheet.js';
import { announce } from './toast.js';

const bootstrap = embedded('bootstrap');
const form = document.getElementById('composer');
const title = document.title;

const notes = new Notes(document.getElementById('notes'));
const { store, socket, catchUp } = goLive({ bootstrap, connection: (...said) => notes.connection(...said) });
notes.attach(socket);

const sheet = new Sheet(form);
const composer = new Composer(form, {
  store,
  model: bootstrap.model,
  sheet,
  reuse: bootstrap.reuse,
  onSent() {
    pictures.forget();
    sheet.close();
    scrollTo({ top: 0, behavior: 'smooth' });
  },
});
startPrompting(form, composer);
const pictures = readPictures(form, (settings) => composer.replace(settings), composer.start);
// A reload must not put the reused settings over what has been typed since.
if (bootstrap.start) composer.replace({ init_image: `image:${bootstrap.start}` });
if (bootstrap.reuse || bootstrap.start) {
  history.replaceState(null, '', location.pathname);
  for (const field of document.getElementsByName('next')) field.value = location.pathname; // nor must another language
}

const feed = new Feed(document.getElementById('jobs'), store, {
  style: (key) => bootstrap.styles[key] ?? key, // one that is not offered any more keeps its name
  shapes: bootstrap.model.shapes,
});
new Actions(store, {
  catchUp,
  reuse(settings) {
    composer.replace(settings);
    if (matchMedia('(max-width: 860px)').matches) sheet.open();
    else form.elements.prompt.focus();
  },
}).attach(feed.list);
new OlderPages(document.getElementById('older'), store, bootstrap.next);

function tell(changes) {
  for (const { before, after } of changes) {
    if (!before || before.state === after.state) continue;
    const batch = new Batch(after.batch, store.batches().get(after.batch) ?? [after]);
    if (after.state === 'failed') announce(`${gettext('A picture could not be finished.')} ${after.error ?? ''}`);
    else if (after.state === 'running') {
      if (batch.running.length === 1 && !batch.done.length) announce(gettext('Drawing has started.'));
    } else if (after.state === 'succeeded' && !batch.active.length) {
      const ready = batch.done.length;
      announce(interpolate(ngettext('%s picture is ready.', '%s pictures are ready.', ready), [ready]));
    }
  }
}

function draw(changes) {
  feed.render(changes);
  show(document.getElementById('empty'), !feed.list.childElementCount);
  notes.workers(store.queue.workers, store.active.length > 0);
  composer.refresh();
  document.title = progressTitle(store) + title;
  tell(changes);
}

store.listen(draw);
draw([]);
bindKeys({ '/': () => form.elements.prompt.focus() });
if (/Mac|iPhone|iPad/.test(navigator.platform)) form.querySelector('.go kbd').textContent = '⌘ ↵';
