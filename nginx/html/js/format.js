// Words and numbers for people.

/** A server timestamp (naive UTC) as a Date, or null; a Date is taken as it is. */
export function date(text) {
  if (!text) return null;
  if (text instanceof Date) return text;
  return new Date(/[Zz]|[+-]\d\d:\d\d$/.test(text) ? text : text + 'Z');
}

const full = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit', second: '2-digit', timeZoneName: 'short' });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });

/** Date and time in the reader's zone, which is named. */
export const exact = (at) => full.format(at);

/** A day of the reader's as the server's time of its start, so many days later. */
export function dayStart(day, later = 0) {
  const [year, month, nth] = day.split('-').map(Number);
  return new Date(year, month - 1, nth + later).toISOString().slice(0, 19).replace('T', ' ');
}

/** A server timestamp as the text of a field for date and time in the reader's zone, and back; nothing is '' and null. */
export function toField(text) {
  const at = date(text);
  return at ? new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 19) : '';
}
export const fromField = (text) => (text ? new Date(text).toISOString().slice(0, 19) : null);

/** '3 min ago', '2 h ago', or the day for what is older than a week. */
export function ago(at, now = Date.now()) {
  const seconds = Math.round((now - at) / 1000);
  if (seconds < -60) return full.format(at);
  if (seconds < 10) return 'just now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  if (seconds < 7 * 86400) return `${Math.floor(seconds / 86400)} d ago`;
  return day.format(at);
}

/** The time between two moments in seconds; an open end means until now. NaN when there is no beginning. */
export const seconds = (from, until) => (date(from) ? Math.max(0, ((date(until) ?? new Date()) - date(from)) / 1000) : NaN);

/** The same in words. */
export function duration(from, until) {
  const length = seconds(from, until);
  return Number.isNaN(length) ? '' : span(length);
}

/** The seconds of a duration as the API tells it, such as 'P1DT2H30M' or 'PT0.5S'; null for nothing. */
export function fromIso(text) {
  const found = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/.exec(text ?? '');
  if (!found) return typeof text === 'number' ? text : null;
  const [days, hours, minutes, rest] = found.slice(1).map((n) => Number(n ?? 0));
  return ((days * 24 + hours) * 60 + minutes) * 60 + rest;
}

/** So many seconds in words. */
export function span(seconds) {
  if (seconds < 1) return '< 1 s';
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const counts = new Intl.NumberFormat();

/** A count with the reader's thousands separator. */
export const number = (n) => counts.format(n);

/** '1 run', '2 runs'. */
export const plural = (n, one, many = one + 's') => `${number(n)} ${n === 1 ? one : many}`;

/** Bytes in binary units. */
export function bytes(n) {
  let unit = 0;
  while (n >= 1024 && unit < 4) { n /= 1024; unit += 1; }
  return `${unit ? n.toFixed(1) : n} ${['bytes', 'KiB', 'MiB', 'GiB', 'TiB'][unit]}`;
}

/** 'artifact_store' as 'Artifact store'. */
export function words(text) {
  const spaced = String(text).replaceAll('_', ' ');
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** The last part of a dotted path. */
export const tail = (path) => String(path).split('.').pop();

/** A text of at most so many characters, shortened in its middle: the ends of names tell them apart. */
export function middle(text, most) {
  if (text.length <= most) return text;
  const end = Math.floor((most - 1) / 2);
  return `${text.slice(0, most - 1 - end)}…${text.slice(text.length - end)}`;
}

/** Sorts names as people do: 'feature_9' before 'feature_10'. */
export const byName = (a, b) => natural.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
const natural = new Intl.Collator(undefined, { numeric: true });

const values = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 6 });
const tiny = new Intl.NumberFormat(undefined, { notation: 'scientific', maximumSignificantDigits: 6 });

/** A measured value, as exact as people compare such; whole numbers with all their digits. */
export function value(n) {
  if (Number.isSafeInteger(n)) return counts.format(n);
  return (Math.abs(n) < 1e-4 || Math.abs(n) >= 1e9 ? tiny : values).format(n);
}
