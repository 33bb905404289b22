import { readFileSync } from "node:fs";
import { createRandom } from "@acr/core";
import fc from "fast-check";
import { bootstrapMean, comparePaired, holmAdjust, occlusionScores } from "./index.js";
import { quantile } from "./internal/quantile.js";

interface Reference {
  paired: { first: number[]; second: number[]; difference: number; exact: number | null; normal: number }[];
  occlusion: {
    score: number[];
    occluded: number[];
    recallAt80: number | null;
    averagePrecision: number;
    precision: number[];
    recall: number[];
    threshold: number[];
  }[];
  holm: { pValues: number[]; adjusted: number[] };
  quantiles: { values: number[]; "0.025": number; "0.6": number };
}
const reference = JSON.parse(readFileSync(`${__dirname}/__fixtures__/statistics.json`, "utf8")) as Reference;

describe("comparePaired(first, second)", () => {
  it.each(reference.paired.filter(({ exact }) => exact !== null))(
    "equals SciPy's exact permutation test (%#)",
    (one) => {
      const result = comparePaired(one.first, one.second);
      expect(result.method).toBe("exact");
      expect(result.pValue).toBeCloseTo(one.exact!, 12);
      expect(result.difference).toBeCloseTo(one.difference, 12);
    },
  );

  it.each(reference.paired.filter(({ exact }) => exact === null))(
    "tends to the normal law of sign flips on many faces (%#)",
    (one) => {
      const result = comparePaired(one.first, one.second, { permutations: 2000, resamples: 10 });
      expect(result.method).toBe("monte-carlo");
      // 2000 draws know a probability to about 0.034 at three standard deviations.
      expect(Math.abs(result.pValue - one.normal)).toBeLessThan(0.04);
    },
  );

  it("uses the normal law itself beyond 5000 faces, and agrees with it to twelve digits", () => {
    const repeat = (values: number[]) =>
      Array.from({ length: 20 * values.length }, (_, i) => values[i % values.length]!);
    const [one] = reference.paired.filter(({ exact }) => exact === null).slice(1);
    const many = comparePaired(repeat(one!.first), repeat(one!.second), { resamples: 1 });
    const normalSf = (z: number) => {
      // Simpson's rule on the density, as a second way to the same tail.
      const steps = 4000;
      let sum = 0;
      for (let i = 0; i <= steps; i++) {
        const x = z + (i / steps) * 12;
        sum += (i === 0 || i === steps ? 1 : i % 2 ? 4 : 2) * Math.exp((-x * x) / 2);
      }
      return (sum * 12) / steps / 3 / Math.sqrt(2 * Math.PI);
    };
    const d = one!.first.map((value, i) => value - one!.second[i]!);
    const z = Math.abs(d.reduce((a, b) => a + b)) / Math.sqrt(d.reduce((a, b) => a + b * b, 0));
    expect(many.method).toBe("normal");
    expect(many.pValue).toBeCloseTo(2 * normalSf(z * Math.sqrt(20)), 10);
  });

  it("gives p = 1 for equal models and is antisymmetric", () => {
    const { first, second } = reference.paired[1]!;
    expect(comparePaired(first, first).pValue).toBe(1);
    expect(comparePaired(first, first).equal).toBe(1);
    const [there, back] = [comparePaired(first, second), comparePaired(second, first)];
    expect(there.difference).toBeCloseTo(-back.difference, 14);
    expect(there.pValue).toBe(back.pValue);
    expect(there.low).toBeLessThan(there.difference);
    expect(there.high).toBeGreaterThan(there.difference);
  });

  it("keeps its level: of models that do not differ one in twenty gets p <= 0.05", () => {
    const random = createRandom(11);
    let hits = 0;
    for (let trial = 0; trial < 200; trial++) {
      const first = Array.from({ length: 9 }, () => random.uniform());
      const second = Array.from({ length: 9 }, () => random.uniform());
      if (comparePaired(first, second, { resamples: 1 }).pValue <= 0.05) hits++;
    }
    expect(hits).toBeGreaterThan(2);
    expect(hits).toBeLessThan(20);
  });

  it.each([
    [() => comparePaired([1], [1, 2]), "first and second must hold the same faces; got 1 and 2"],
    [() => comparePaired([], []), "at least one face with an error; got none"],
    [() => comparePaired([Number.NaN], [1]), "face 0 must have a finite error in both, or none in both; got NaN and 1"],
    [() => comparePaired([1], [Number.POSITIVE_INFINITY]), "face 0 must have a finite error in both"],
    [() => comparePaired([1], [2], { permutations: 0 }), "permutations must be an integer >= 1; got 0"],
    [() => comparePaired([1], [2], { level: 95 }), "level must be between 0 and 1, e.g. 0.95; got 95"],
    [() => comparePaired([1], [2], { sed: 1 } as never), 'unknown option "sed". Did you mean seed?'],
  ])("throws a clear error (%#)", (run, message) => {
    expect(run).toThrow(message);
  });
});

describe("bootstrapMean(values)", () => {
  const values = Float64Array.from({ length: 200 }, (_, i) => (Math.sin(i * 12.9) + 1) ** 2);
  const deviation = (list: Float64Array) => {
    const mean = list.reduce((a, b) => a + b) / list.length;
    return Math.sqrt(list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / list.length);
  };

  it("is the same for the same seed and another for another", () => {
    expect(bootstrapMean(values, { seed: 4 })).toEqual(bootstrapMean(values, { seed: 4 }));
    expect(bootstrapMean(values, { seed: 5 }).low).not.toBe(bootstrapMean(values, { seed: 4 }).low);
  });

  it("has the standard error s / √n, below and above its limit on draws", () => {
    for (const list of [values, Float64Array.from({ length: 6000 }, (_, i) => (Math.sin(i * 12.9) + 1) ** 2)]) {
      const { standardError } = bootstrapMean(list, { resamples: 200 });
      // 200 resamples know a deviation to about 5 %.
      expect(Math.abs(standardError / (deviation(list) / Math.sqrt(list.length)) - 1)).toBeLessThan(0.15);
    }
  });

  it("covers the true mean about as often as it says", () => {
    const random = createRandom(5);
    let covered = 0;
    for (let trial = 0; trial < 200; trial++) {
      const sample = Array.from({ length: 30 }, () => random.uniform());
      const { low, high } = bootstrapMean(sample, { level: 0.9, resamples: 100, seed: trial });
      if (low <= 0.5 && high >= 0.5) covered++;
    }
    expect(covered / 200).toBeGreaterThan(0.8);
    expect(covered / 200).toBeLessThan(0.97);
  });

  it.each([
    [() => bootstrapMean([]), "at least one face; got none"],
    [() => bootstrapMean([1, Number.NaN]), "errors[1] must be finite; got NaN"],
    [() => bootstrapMean([1], { resamples: 1.5 }), "resamples must be an integer >= 1; got 1.5"],
  ])("throws a clear error (%#)", (run, message) => {
    expect(run).toThrow(message);
  });
});

it("quantile interpolates as NumPy does", () => {
  const sorted = [...reference.quantiles.values].sort();
  for (const fraction of ["0.025", "0.6"] as const)
    expect(quantile(sorted, Number(fraction))).toBeCloseTo(reference.quantiles[fraction], 14);
});

describe("holmAdjust(pValues)", () => {
  it("equals the formula in NumPy, and never lowers a value", () => {
    holmAdjust(reference.holm.pValues).forEach((value, i) =>
      expect(value).toBeCloseTo(reference.holm.adjusted[i]!, 14),
    );
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (values) => {
        holmAdjust(values).forEach((value, i) => {
          expect(value).toBeGreaterThanOrEqual(values[i]!);
          expect(value).toBeLessThanOrEqual(1);
        });
      }),
    );
    expect(() => holmAdjust([0.1, 1.2])).toThrow("pValues[1] must be in [0, 1]; got 1.2");
  });
});

describe("occlusionScores(scores, occluded)", () => {
  it.each(reference.occlusion)("equals scikit-learn's precision-recall curve (%#)", (one) => {
    const result = occlusionScores([one.score], [one.occluded]);
    expect(result.averagePrecision).toBeCloseTo(one.averagePrecision, 12);
    if (one.recallAt80 === null) expect(result.recallAtPrecision).toBeNaN();
    else expect(result.recallAtPrecision).toBeCloseTo(one.recallAt80, 12);
    expect(result.curve.thresholds).toEqual(one.threshold);
    result.curve.precisions.forEach((value, i) => expect(value).toBeCloseTo(one.precision[i]!, 12));
    result.curve.recalls.forEach((value, i) => expect(value).toBeCloseTo(one.recall[i]!, 12));
  });

  it("pools the landmarks of all faces, in any order of faces", () => {
    const { score, occluded } = reference.occlusion[0]!;
    const faces = (list: number[]) => Array.from({ length: 20 }, (_, f) => list.slice(20 * f, 20 * f + 20));
    const whole = occlusionScores([score], [occluded]);
    const parts = occlusionScores(faces(score).reverse(), faces(occluded).reverse());
    expect(parts.recallAtPrecision).toBe(whole.recallAtPrecision);
    expect(parts.averagePrecision).toBeCloseTo(whole.averagePrecision, 12);
  });

  it("gives NaN, never 0, where no threshold reaches the precision", () => {
    const { recallAtPrecision, threshold } = occlusionScores([[0.9, 0.5, 0.1]], [[0, 0, 1]]);
    expect(recallAtPrecision).toBeNaN();
    expect(threshold).toBeNaN();
  });

  it.each([
    [() => occlusionScores([[0.5]], []), "both must hold the same faces; got 1 and 0"],
    [() => occlusionScores([[0.5]], [[0, 1]]), "face 0 must have as many scores as flags; got 1 and 2"],
    [() => occlusionScores([[0.5]], [[0]]), "at least one occluded landmark; got none"],
    [() => occlusionScores([[Number.NaN]], [[1]]), "the score of landmark 0 of face 0 is NaN"],
    [() => occlusionScores([[0.5]], [[1]], { precision: 80 }), "precision must be in (0, 1]; got 80"],
  ])("throws a clear error (%#)", (run, message) => {
    expect(run).toThrow(message);
  });
});
