/** Weights with which the pixels of one axis make up its outputs. */
export interface AxisWeights {
  /** First source pixel of each output. */
  first: Int32Array;
  /** How many source pixels each output takes; 0 where all of it lies outside and outside is black. */
  count: Int32Array;
  /** `taps` weights for each output, of which the first `count` are used. */
  weights: Float64Array;
  taps: number;
}

/** Σ max(0, 1 − |j − centre| / reach) over the integers j of [low, high], in closed form. */
function tentSum(centre: number, reach: number, low: number, high: number): number {
  const first = Math.max(low, Math.ceil(centre - reach));
  const last = Math.min(high, Math.floor(centre + reach));
  const middle = Math.floor(centre);
  const side = (from: number, to: number, sign: number) => {
    if (from > to) return 0;
    const count = to - from + 1;
    return count - (sign * (((from + to) * count) / 2 - count * centre)) / reach;
  };
  return side(first, Math.min(last, middle), -1) + side(Math.max(first, middle + 1), last, 1);
}

/**
 * Antialiased linear sampling of one axis: output i is the mean of the source about scale · i + offset under a tent whose half-width is
 * the scale, and at least a pixel, so that without shrinking it is plain linear interpolation.
 *
 * Outside is black (its share of the weight is lost) or repeats the rim pixel (which gets that share). The work is bounded by
 * the source, however large the scale.
 */
export function tentWeights({
  count: outputs,
  scale,
  offset,
  length,
  border,
}: {
  count: number;
  scale: number;
  offset: number;
  length: number;
  border: "black" | "edge";
}): AxisWeights {
  const reach = Math.max(1, Math.abs(scale));
  const taps = Math.min(length, Math.ceil(2 * reach) + 1);
  const first = new Int32Array(outputs);
  const count = new Int32Array(outputs);
  const weights = new Float64Array(outputs * taps);
  const end = length - 1;
  for (let i = 0; i < outputs; i++) {
    const centre = scale * i + offset;
    const total = tentSum(centre, reach, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    let from = Math.max(0, Math.floor(centre - reach) + 1);
    let to = Math.min(end, Math.ceil(centre + reach) - 1);
    if (from > to) {
      if (border === "black") continue;
      // All outside: the rim pixel on that side.
      from = centre < 0 ? 0 : end;
      to = from;
    }
    first[i] = from;
    count[i] = to - from + 1;
    const place = i * taps;
    for (let j = from; j <= to; j++) weights[place + j - from] = (1 - Math.abs(j - centre) / reach) / total;
    if (border === "black") continue;
    if (centre - reach < 0 && from === 0) weights[place] = tentSum(centre, reach, Number.NEGATIVE_INFINITY, 0) / total;
    if (centre + reach > end && to === end)
      weights[place + to - from] =
        (from === to && centre - reach < 0 ? total : tentSum(centre, reach, end, Number.POSITIVE_INFINITY)) / total;
  }
  return { first, count, weights, taps };
}
