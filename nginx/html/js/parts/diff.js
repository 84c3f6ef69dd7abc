// Two texts line by line. Pure.

const MOST = 4000000; // pairs of lines that are compared; larger texts are shown as all removed, all added

/** [[sign, line], ...] with sign ' ', '-' or '+', by the longest common subsequence. */
export function diff(before, after) {
  const [a, b] = [before.split('\n'), after.split('\n')];
  if (a.length * b.length > MOST) return [...a.map((x) => ['-', x]), ...b.map((x) => ['+', x])];
  const width = b.length + 1;
  const common = new Uint16Array((a.length + 1) * width); // of what is left from i and j on
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      common[i * width + j] = a[i] === b[j] ? common[(i + 1) * width + j + 1] + 1
        : Math.max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  const out = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) { out.push([' ', a[i]]); i += 1; j += 1; }
    else if (j >= b.length || (i < a.length && common[(i + 1) * width + j] >= common[i * width + j + 1])) { out.push(['-', a[i]]); i += 1; }
    else { out.push(['+', b[j]]); j += 1; }
  }
  return out;
}
