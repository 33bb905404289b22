/**
 * Made-up shapes, one after the other: strong modes with falling variances and a little noise in every coordinate.
 *
 * @param {{ count: number, landmarkCount: number, seed?: number }} options
 * @returns {Generator<Float64Array>} flat shapes.
 */
export function* randomShapes({ count, landmarkCount, seed = 1 }) {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  const length = 2 * landmarkCount;
  const modes = Array.from({ length: 12 }, (_, i) =>
    Float64Array.from({ length }, (_, q) => Math.sin((i + 1) * q + i) / (1 + i)),
  );
  for (let n = 0; n < count; n++) {
    const shape = new Float64Array(length);
    for (const mode of modes) {
      const b = random();
      for (let q = 0; q < length; q++) shape[q] += b * mode[q];
    }
    for (let q = 0; q < length; q++) shape[q] += 0.01 * random();
    yield shape;
  }
}
