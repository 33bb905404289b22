/**
 * Luma of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B, rounded; in whole numbers, so that every device finds the same: a sum
 * of fractions may fall to either side of a half.
 *
 * @param red - 0–255, as the others.
 * @returns 0–255, a whole number.
 * @example lumaOf(255, 0, 0); // 76
 */
export const lumaOf = (red: number, green: number, blue: number): number =>
  Math.floor((299 * red + 587 * green + 114 * blue + 500) / 1000);
