/**
 * Where the centres of n cells that share a side of the crop evenly lie, `centered` frame.
 *
 * @param reach - how much longer than the side the row of cells is. Default 1.
 */
export const cellCentres = (n: number, reach = 1): number[] =>
  Array.from({ length: n }, (_, i) => reach * ((i + 0.5) / n - 0.5));

/** (x, y) of all cells of a map in reading order: [H·W][2]. */
export function cellGrid(height: number, width: number): [number, number][] {
  const xs = cellCentres(width);
  return cellCentres(height).flatMap((y) => xs.map((x): [number, number] => [x, y]));
}
