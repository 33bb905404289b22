/** A target point as weighted source points. */
type Recipe = readonly (readonly [index: number, weight: number])[];

const at = (index: number): Recipe => [[index, 1]];
const mean = (...indices: number[]): Recipe => indices.map((index) => [index, 1 / indices.length] as const);
/** A quarter of the way from a brow to the mean of the upper lid. */
const lowerBrow = (brow: number, ...lid: number[]): Recipe => [
  [brow, 0.75],
  ...lid.map((index) => [index, 0.25 / lid.length] as const),
];
const range = (first: number, last: number, step = 1) =>
  Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => first + i * step);

/** For each pair of schemes, a recipe for each target point. */
export const CONVERSIONS: Readonly<Record<string, readonly Recipe[]>> = {
  "ibug68>cofw29": [
    ...[17, 26, 21, 22, 19].map(at),
    lowerBrow(19, 37, 38),
    at(24),
    lowerBrow(24, 43, 44),
    ...[36, 45, 39, 42].map(at),
    mean(37, 38),
    mean(40, 41),
    mean(43, 44),
    mean(46, 47),
    mean(36, 37, 38, 39, 40, 41),
    mean(42, 43, 44, 45, 46, 47),
    ...[31, 35, 30, 33, 48, 54, 51, 62, 66, 57, 8].map(at),
  ],
  "wflw98>ibug68": [
    ...range(0, 32, 2),
    ...range(33, 37),
    ...range(42, 46),
    ...range(51, 59),
    ...[60, 61, 63, 64, 65, 67],
    ...[68, 69, 71, 72, 73, 75],
    ...range(76, 95),
  ].map(at),
  "wflw98>cofw29": [
    at(33),
    at(46),
    mean(37, 38),
    mean(42, 50),
    ...[35, 40, 44, 48, 60, 72, 64, 68, 62, 66, 70, 74, 96, 97, 55, 59, 54, 57, 76, 82, 79, 90, 94, 85, 16].map(at),
  ],
};
