/** Edit distance with unit costs (Wagner and Fischer 1974), one row at a time. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substitution, previous[j]! + 1, row[j - 1]! + 1));
    }
    previous = row;
  }
  return previous[b.length]!;
}

/**
 * The valid names closest to a misspelt one, best first: the "did you mean" of every registry here.
 *
 * @example nearestNames("wingloss", ["wing", "l1", "softWing"]); // ["wing", "softWing", "l1"]
 */
export function nearestNames(name: string, validNames: readonly string[], limit = 3): string[] {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  const wanted = plain(String(name));
  return validNames
    .map((valid, index) => {
      const candidate = plain(valid);
      const contained = wanted.length > 1 && (candidate.includes(wanted) || wanted.includes(candidate));
      return { valid, index, distance: editDistance(wanted, candidate) - (contained ? 100 : 0) };
    })
    .sort((a, b) => a.distance - b.distance || a.index - b.index)
    .slice(0, limit)
    .map(({ valid }) => valid);
}
