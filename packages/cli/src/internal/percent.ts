/** A share as text; what is not quite all is not called 100 %. */
export function percent(ratio: number): string {
  if (ratio < 1 - 1e-9 && ratio >= 0.99995) return "> 99.99 %";
  return `${(100 * ratio).toFixed(ratio >= 0.9995 ? 2 : 1)} %`;
}
