/** Mean of shapes after each has been moved to its centre and scaled to a mean radius of 1. */
export function meanFace(shapes: readonly ArrayLike<number>[]): Float64Array | undefined {
  const [first] = shapes;
  if (!first) return undefined;
  const mean = new Float64Array(first.length);
  for (const shape of shapes) {
    const count = shape.length / 2;
    let x = 0;
    let y = 0;
    for (let k = 0; k < count; k++) {
      x += shape[2 * k]! / count;
      y += shape[2 * k + 1]! / count;
    }
    let squares = 0;
    for (let k = 0; k < count; k++) squares += (shape[2 * k]! - x) ** 2 + (shape[2 * k + 1]! - y) ** 2;
    const radius = Math.sqrt(squares / count) || 1;
    for (let q = 0; q < mean.length; q++) mean[q]! += (shape[q]! - (q % 2 ? y : x)) / radius / shapes.length;
  }
  return mean;
}
