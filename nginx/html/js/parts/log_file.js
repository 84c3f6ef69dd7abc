// A log on the server, read in parts from its end. The API counts in bytes and answers text, and tells neither how long
// the log is nor where a part ended; what a text was in bytes has to be worked out here.

const encoder = new TextEncoder();
const BROKEN = '\ufffd'; // what stands for each byte that is part of no character: one that a cut left over, above all

/** The least and the most bytes that a text can have been: a BROKEN was one byte, or is itself in the log with three. */
function weigh(text) {
  const most = encoder.encode(text).length;
  return [most - 2 * (text.split(BROKEN).length - 1), most];
}

/** How many BROKEN stand at the start or, given a pattern, elsewhere: at most what is left of one cut character. */
const torn = (text, pattern = /^\ufffd{1,3}/) => text.match(pattern)?.[0].length ?? 0;

/**
 * read(offset, length) answers the text of that part of the log; a negative offset counts from the end. The bytes from
 * `start` up to `end` are known; both lie between two characters.
 */
export class LogFile {
  #read;
  #part;

  constructor(read, part = 1 << 18) {
    this.#read = read;
    this.#part = part;
    this.start = 0;
    this.end = 0;
    /** Whether nothing was known behind `end` when it was last asked. */
    this.atEnd = false;
  }

  /** The last part; start and end are those of what is returned. */
  async tail() {
    const text = await this.#read(-this.#part, this.#part);
    const [least, most] = weigh(text);
    this.atEnd = true;
    if (least === most && most < this.#part) {
      this.start = 0;
      this.end = most;
      return text;
    }
    this.end = await this.#size(Math.min(least, this.#part));
    this.start = Math.max(0, this.end - this.#part);
    // Read again by its place: the log may have grown while its length was sought.
    return this.#between(this.start, this.end);
  }

  /** The part before `start`; empty at the beginning. */
  async earlier() {
    const from = Math.max(0, this.start - this.#part);
    const until = this.start;
    if (from === until) return '';
    const text = await this.#read(from, until - from);
    const cut = from ? torn(text) : 0;
    this.start = from + cut;
    return text.slice(cut);
  }

  /** What is new behind `end`; a character that is not yet whole is left for later while `growing`. */
  async later(growing) {
    const from = this.end;
    let text = await this.#read(from, this.#part);
    const [least, most] = weigh(text);
    let last = most;
    if (least !== most) {
      last = Math.min(this.#part, await this.#size(from + least, from + most) - from);
      text = await this.#read(from, last); // it may have grown meanwhile
    }
    this.atEnd = last < this.#part;
    if (growing || last === this.#part) {
      const cut = torn(text, /\ufffd{1,3}$/);
      text = text.slice(0, text.length - cut);
      last -= cut;
    }
    this.end = from + last;
    return text;
  }

  /** Forgets what is known and starts at the beginning. */
  async head(growing) {
    this.start = 0;
    this.end = 0;
    return this.later(growing);
  }

  /** The whole log, a part at a time. */
  async* all(part = 1 << 24) {
    const whole = new LogFile(this.#read, part);
    for (let text = await whole.head(false); text; text = await whole.later(false)) yield text;
  }

  async #between(from, until) {
    const text = await this.#read(from, until - from);
    const cut = from ? torn(text) : 0;
    this.start = from + cut;
    return text.slice(cut);
  }

  /** The length of the log in bytes, known to be between two numbers: by asking for single bytes. */
  async #size(low, high = Infinity) {
    let step = 0; // while there is no upper bound: how far to look ahead
    while (low < high) {
      const middle = high === Infinity ? low + step : Math.floor((low + high) / 2);
      if (await this.#read(middle, 1)) low = middle + 1;
      else high = middle;
      step = step * 2 || this.#part;
    }
    return low;
  }
}
