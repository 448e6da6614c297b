/** Numbers, places and times in the reader's language. */

const language = document.documentElement.lang || 'en';
const relative = new Intl.RelativeTimeFormat(language, { numeric: 'always', style: 'short' });
const time = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const weekday = new Intl.DateTimeFormat(language, { weekday: 'long', day: 'numeric', month: 'long' });
const DAY = 86_400_000; // milliseconds
const endings = new Intl.PluralRules('en', { type: 'ordinal' });
const SUFFIX = { one: 'st', two: 'nd', few: 'rd', other: 'th' };

/** `8 s`, `3 min`, `1 h 20 min`. */
export function duration(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 90) return interpolate(gettext('%s s'), [whole]);
  const minutes = Math.round(whole / 60);
  if (minutes < 90) return interpolate(gettext('%s min'), [minutes]);
  const parts = { hours: Math.floor(minutes / 60), minutes: minutes % 60 };
  return interpolate(gettext('%(hours)s h %(minutes)s min'), parts, true);
}

/** `3rd in line`; English counts with endings, other languages put the bare number into their sentence. */
export function placeInLine(position) {
  if (position === 1) return gettext('Next in line');
  const place = language.startsWith('en') ? `${position}${SUFFIX[endings.select(position)]}` : position;
  return interpolate(gettext('%s in line'), [place]);
}

/** Why something takes longer than was said, as the live line names it. */
export function delayed(reason) {
  return {
    worker_left: gettext('later than said: a worker has left'),
    others_first: gettext('later than said: others who have had less are drawn first'),
    slower: gettext('later than said: drawing takes longer than usual'),
  }[reason] ?? '';
}

export function pictures(count) {
  return interpolate(ngettext('%s picture', '%s pictures', count), [count]);
}

export function inBin(count) {
  return interpolate(ngettext('%s picture is in the bin.', '%s pictures are in the bin.', count), [count]);
}

export function steps(count) {
  return interpolate(ngettext('%s step', '%s steps', count), [count]);
}

export function percent(number) {
  return new Intl.NumberFormat(language, { style: 'percent' }).format(number / 100);
}

export function clock(date) {
  return time.format(new Date(date));
}

export function date(moment) {
  return weekday.format(new Date(moment));
}

/** When something is there again: the hour within a day, else the date. */
export function again(moment) {
  return new Date(moment) - Date.now() < DAY ? clock(moment) : date(moment);
}

export function ago(date) {
  const seconds = (Date.now() - new Date(date)) / 1000;
  if (seconds < 60) return gettext('just now');
  if (seconds < 3600) return relative.format(-Math.floor(seconds / 60), 'minute').replace('.', '');
  if (seconds < 8 * 3600) return relative.format(-Math.floor(seconds / 3600), 'hour').replace('.', '');
  return clock(date);
}

/** A key that orders days, and what to call the day. */
export function day(date) {
  const midnight = new Date(new Date(date).setHours(0, 0, 0, 0));
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - midnight) / 86_400_000);
  const label = days <= 0 ? gettext('Today') : days === 1 ? gettext('Yesterday') : weekday.format(midnight);
  return { key: midnight.toISOString().slice(0, 13), label };
}

/** `3:4` where that is one of the known shapes, else `768 × 1360`. */
export function size(width, height, shapes = []) {
  const known = shapes.find((shape) => shape.width === width && shape.height === height);
  return known ? known.ratio : `${width} × ${height}`;
}
