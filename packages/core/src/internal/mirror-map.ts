/** Builds a mirror map from the pairs that trade places; every other landmark stays. */
export function mirrorMap(landmarkCount: number, pairs: readonly (readonly [number, number])[]): number[] {
  const mirror = Array.from({ length: landmarkCount }, (_, i) => i);
  for (const [left, right] of pairs) {
    mirror[left] = right;
    mirror[right] = left;
  }
  return mirror;
}
