import { evaluate, evaluateSubsets, type FaceTags, subsetsByTag, summarizeErrors } from "./index.js";

const errors = [0.02, 0.04, 0.12, Number.NaN, 0.06];

describe("summarizeErrors(errors)", () => {
  it("leaves faces without a landmark out and counts failed predictions as failures only", () => {
    const plain = summarizeErrors(errors);
    expect(plain).toMatchObject({ count: 4, failedCount: 0, failureRatePercent: 25 });
    expect(plain.nmePercent).toBeCloseTo(6, 12);
    expect(plain.medianPercent).toBeCloseTo(5, 12);
    expect(plain.auc).toBeCloseTo((0.8 + 0.6 + 0 + 0.4) / 4, 12);
    const failed = summarizeErrors([...errors, Number.POSITIVE_INFINITY]);
    expect(failed).toMatchObject({ count: 4, failedCount: 1, failureRatePercent: 40 });
    expect(failed.nmePercent).toBe(plain.nmePercent);
    expect(failed.auc).toBeCloseTo(1.8 / 5, 12);
    expect(failed.ced.fractions.at(-1)).toBeCloseTo(3 / 5, 12);
    expect(failed.confidence!.failureRatePercent[1]).toBeGreaterThan(40);
  });

  it("puts each figure inside its own interval", () => {
    const many = Array.from({ length: 300 }, (_, i) => 0.02 + 0.1 * Math.abs(Math.sin(i)) ** 3);
    const { nmePercent, failureRatePercent, auc, confidence } = summarizeErrors(many, { confidenceLevel: 0.99 });
    expect(confidence!.level).toBe(0.99);
    for (const [value, low, high] of [
      [nmePercent, confidence!.lowPercent, confidence!.highPercent],
      [failureRatePercent, ...confidence!.failureRatePercent],
      [auc, ...confidence!.auc],
    ] as const) {
      expect(low).toBeLessThan(value);
      expect(high).toBeGreaterThan(value);
    }
  });

  it.each([
    [() => summarizeErrors([]), "at least one face with a counted landmark; got none"],
    [() => summarizeErrors([Number.NaN]), "at least one face with a counted landmark; got none"],
    [() => summarizeErrors([Number.POSITIVE_INFINITY]), "and a finite prediction; got none"],
    [() => summarizeErrors([-0.1]), "errors[0] must be >= 0; got -0.1"],
    [() => summarizeErrors([0.1], { failureThreshold: 0 }), "threshold must be > 0; got 0"],
    [() => summarizeErrors([0.1], { cedThresholds: [0.1, Number.NaN] }), "thresholds[1] must be >= 0; got NaN"],
    [() => summarizeErrors([0.1], { resamples: -3 }), "resamples must be an integer >= 1; got -3"],
    [() => summarizeErrors([0.1], { confidenceLevel: 1 }), "level must be between 0 and 1"],
  ])("throws a clear error (%#)", (run, message) => {
    expect(run).toThrow(message);
  });
});

describe("evaluateSubsets(errors, subsets)", () => {
  it("gives each subset the figures of its faces alone", () => {
    const { first, none } = evaluateSubsets(errors, { first: [1, 0, 1, 1, 0], none: [0, 0, 0, 1, 0] });
    expect(first!.nmePercent).toBeCloseTo(7, 12);
    expect(first!.count).toBe(2);
    expect(none!.count).toBe(0);
    expect(none!.nmePercent).toBeNaN();
    expect(none!.auc).toBeNaN();
  });

  it("averages disjoint subsets to the whole, weighted by their counts", () => {
    const parts = evaluateSubsets(errors, { a: [1, 0, 1, 0, 0], b: [0, 1, 0, 1, 1] });
    const total = summarizeErrors(errors);
    for (const key of ["nmePercent", "failureRatePercent", "auc"] as const)
      expect((parts.a![key] * parts.a!.count + parts.b![key] * parts.b!.count) / 4).toBeCloseTo(total[key], 12);
  });

  it("is part of evaluate", () => {
    const target = [0, 0, 10, 0, 5, 5];
    const predictions = [1, 2, 3].map((shift) => target.map((value) => value + shift));
    const { subsets } = evaluate(predictions, [target, target, target], {
      normalizer: [0, 1],
      subsets: { last: [false, false, true] },
    });
    expect(subsets!.last!.nmePercent).toBeCloseTo(30 * Math.SQRT2, 10);
    expect(() => evaluateSubsets([0.1], { wrong: [1, 0] })).toThrow(
      'subset "wrong" must have one flag for each of 1 faces; got 2',
    );
  });
});

describe("subsetsByTag(tags)", () => {
  const tags: FaceTags[] = [
    { blur: true, occluder: "hand", yaw: -20, folder: "a" },
    { blur: false, occluder: "none", yaw: 5 },
    { blur: true, occluder: "hand", yaw: 30, id: "x" },
    {},
  ];

  it("makes one subset a true flag, a text value and a bin", () => {
    const subsets = subsetsByTag(tags, { bins: { yaw: [0, 15, 30] } });
    expect(Object.keys(subsets)).toEqual(["blur", "occluder: hand", "occluder: none", "|yaw| 0–15", "|yaw| 15–30"]);
    expect([...subsets.blur!]).toEqual([1, 0, 1, 0]);
    expect([...subsets["|yaw| 15–30"]!]).toEqual([1, 0, 1, 0]);
  });

  it("keeps signs where the edges do not start at 0, and leaves names of faces out", () => {
    const signed = subsetsByTag(tags, { tags: ["yaw"], bins: { yaw: [-45, 0, 45] } });
    expect(Object.keys(signed)).toEqual(["yaw -45–0", "yaw 0–45"]);
    expect([...signed["yaw -45–0"]!]).toEqual([1, 0, 0, 0]);
    const named = Array.from({ length: 20 }, (_, i) => ({ file: `${i}.jpg` }));
    expect(subsetsByTag(named)).toEqual({});
    expect(() => subsetsByTag(tags, { bins: { yaw: [0, 30, 15] } })).toThrow(
      "bins.yaw must be two or more rising edges",
    );
  });
});
