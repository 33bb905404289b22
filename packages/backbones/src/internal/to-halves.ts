/** Float32 as IEEE 754 binary16, rounded to the nearest, ties to even; beyond 65504 it becomes infinite. */
export function toHalves(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (const [i, word] of words.entries()) {
    const sign = (word >>> 16) & 0x8000;
    const magnitude = word & 0x7fffffff;
    let half: number;
    if (magnitude >= 0x47800000) half = magnitude > 0x7f800000 ? 0x7e00 : 0x7c00;
    else if (magnitude < 0x38800000) {
      // Below 2^−14 steps are 2^−24 wide.
      half = Math.abs(values[i]!) * 2 ** 24;
      const whole = Math.floor(half);
      const rest = half - whole;
      half = rest > 0.5 || (rest === 0.5 && whole % 2 === 1) ? whole + 1 : whole;
    } else {
      const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
      half = (rounded - 0x38000000) >>> 13;
    }
    halves[i] = sign | half;
  }
  return halves;
}
