import { existsSync, readdirSync, readFileSync } from "node:fs";
import { getLandmarkScheme, ibug68 } from "@acr/core";
import { goldenFolder } from "@acr/testing";
import fc from "fast-check";
import {
  auc,
  cedCurve,
  evaluate,
  failureRate,
  NmeAccumulator,
  type Normalizer,
  nme,
  normalizedErrors,
  normalizerSize,
} from "./index.js";

interface GoldenScores {
  perFace: (number | null)[];
  count: number;
  nme: number;
  median: number;
  failureRate: Record<string, number>;
  auc: Record<string, number>;
  ced: { thresholds: number[]; fractions: number[] };
  perLandmark: (number | null)[];
}
interface GoldenMetrics {
  scheme: string;
  predictions: number[][];
  targets: number[][];
  visible?: number[][];
  normalizers: Record<
    string,
    { sizes: number[]; all: GoldenScores; visibleOnly?: GoldenScores; occludedOnly?: GoldenScores }
  >;
}

const folder = goldenFolder("metrics");
const files = folder && existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith(".json")) : [];
const schemeOf = (file: string) => getLandmarkScheme(file.split("-")[0]!);

/** Within 1e-12 of the reference, relative or, near zero, absolute. */
function expectSame(actual: number, expected: number | null): void {
  if (expected === null) expect(actual).toBeNaN();
  else expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(expected)));
}

(folder ? describe : describe.skip)("evaluate against NumPy, SciPy and scikit-learn", () => {
  it.each(files)("reproduces every figure of %s", (file) => {
    const golden = JSON.parse(readFileSync(`${folder}/${file}`, "utf8")) as GoldenMetrics;
    for (const [normalizer, cases] of Object.entries(golden.normalizers)) {
      for (const [name, scores] of Object.entries({
        all: cases.all,
        visibleOnly: cases.visibleOnly,
        occludedOnly: cases.occludedOnly,
      })) {
        if (!scores) continue;
        const visible =
          name === "all"
            ? undefined
            : golden.visible!.map((flags) => flags.map((flag) => (name === "visibleOnly" ? flag : 1 - flag)));
        for (const threshold of Object.keys(scores.failureRate)) {
          const result = evaluate(golden.predictions, golden.targets, {
            scheme: schemeOf(file),
            normalizer: normalizer as Normalizer,
            visible,
            failureThreshold: Number(threshold),
            aucThreshold: Number(threshold),
            cedThresholds: scores.ced.thresholds,
            resamples: 0,
          });
          expect(result.count).toBe(scores.count);
          expectSame(result.nmePercent / 100, scores.nme);
          expectSame(result.medianPercent / 100, scores.median);
          expectSame(result.failureRatePercent / 100, scores.failureRate[threshold]!);
          if (scores.auc[threshold] !== undefined) expectSame(result.auc, scores.auc[threshold]!);
          result.ced.fractions.forEach((fraction, i) => expectSame(fraction, scores.ced.fractions[i]!));
          result.perLandmarkPercent.forEach((error, k) => expectSame(error / 100, scores.perLandmark[k]!));
          result.perFacePercent.forEach((error, i) => expectSame(error / 100, scores.perFace[i]!));
        }
      }
    }
  });
});

/** A made-up face: a ring of points around (x, y). */
const ring = (x: number, y: number, radius: number) =>
  Float64Array.from({ length: 136 }, (_, i) => (i % 2 === 0 ? x + radius * Math.cos(i) : y + radius * Math.sin(i - 1)));
const targets = [ring(50, 60, 30), ring(10, 20, 40), ring(0, 0, 15)];
const predictions = targets.map((shape, f) => shape.map((value, i) => value + Math.sin(i * 7 + f) * (f + 1)));

describe("evaluate(predictions, targets, options)", () => {
  it("does not change when faces are moved, turned and scaled together", () => {
    const turn = (shape: Float64Array) =>
      shape.map((_, i) => {
        const [x, y] = [shape[i - (i % 2)]!, shape[i - (i % 2) + 1]!];
        return i % 2 === 0 ? 3 * (0.6 * x - 0.8 * y) + 5 : 3 * (0.8 * x + 0.6 * y) - 7;
      });
    const plain = evaluate(predictions, targets, { scheme: ibug68 });
    const turned = evaluate(predictions.map(turn), targets.map(turn), { scheme: ibug68 });
    expect(turned.nmePercent).toBeCloseTo(plain.nmePercent, 10);
    expect(turned.auc).toBeCloseTo(plain.auc, 10);
  });

  it("equals merged accumulators and the single-face function", () => {
    const parts = [0, 1].map(() => new NmeAccumulator({ scheme: ibug68 }));
    targets.forEach((target, i) => parts[i % 2]!.add(predictions[i]!, target));
    parts[0]!.merge(parts[1]!);
    const whole = evaluate(predictions, targets, { scheme: ibug68 });
    expect(parts[0]!.result().nmePercent).toBeCloseTo(whole.nmePercent, 12);
    expect(whole.perFacePercent[1]).toBe(100 * nme(predictions[1]!, targets[1]!, { scheme: ibug68 }));
    const { lowPercent, highPercent } = whole.confidence!;
    expect(lowPercent).toBeLessThan(whole.nmePercent);
    expect(highPercent).toBeGreaterThan(whole.nmePercent);
  });

  it("gives the same per face, whatever the order of faces", () => {
    const order = [2, 0, 1];
    const plain = evaluate(predictions, targets, { scheme: ibug68, resamples: 0 });
    const shuffled = evaluate(
      order.map((i) => predictions[i]!),
      order.map((i) => targets[i]!),
      { scheme: ibug68, resamples: 0 },
    );
    expect(shuffled.perFacePercent).toEqual(order.map((i) => plain.perFacePercent[i]));
    for (const key of ["nmePercent", "medianPercent", "auc", "failureRatePercent"] as const)
      expect(shuffled[key]).toBeCloseTo(plain[key], 12);
    shuffled.perLandmarkPercent.forEach((value, k) => expect(value).toBeCloseTo(plain.perLandmarkPercent[k]!, 12));
  });

  it("gives groups the mean of their landmarks, over the faces in which they count", () => {
    const { perGroupPercent, perLandmarkPercent } = evaluate(predictions, targets, { scheme: ibug68 });
    const mouth = ibug68.groups.mouth ?? Object.values(ibug68.groups)[0]!;
    const name = ibug68.groups.mouth ? "mouth" : Object.keys(ibug68.groups)[0]!;
    const mean = mouth.reduce((sum, k) => sum + perLandmarkPercent[k]!, 0) / mouth.length;
    expect(perGroupPercent![name]).toBeCloseTo(mean, 12);
    const onlyFirst = targets.map(() => Uint8Array.from({ length: 68 }, (_, k) => (k === mouth[0] ? 1 : 0)));
    const masked = evaluate(predictions, targets, { scheme: ibug68, visible: onlyFirst });
    expect(masked.perGroupPercent![name]).toBeCloseTo(perLandmarkPercent[mouth[0]!]!, 12);
    expect(Object.values(masked.perGroupPercent!).some(Number.isNaN)).toBe(true);
  });

  it("splits all landmarks into visible and occluded ones", () => {
    const visible = targets.map((_, f) => Uint8Array.from({ length: 68 }, (_, k) => ((k + f) % 3 === 0 ? 0 : 1)));
    const per = (counted: "visible" | "occluded" | "all") =>
      evaluate(predictions, targets, { scheme: ibug68, visible, counted, resamples: 0 }).perFacePercent;
    const shares = visible.map((flags) => flags.reduce((a, b) => a + b) / 68);
    per("all").forEach((value, i) =>
      expect(shares[i]! * per("visible")[i]! + (1 - shares[i]!) * per("occluded")[i]!).toBeCloseTo(value, 10),
    );
    expect(nme(predictions[0]!, targets[0]!, { scheme: ibug68, visible: visible[0], counted: "occluded" })).toBe(
      per("occluded")[0]! / 100,
    );
  });

  it("counts a prediction that is not finite as a failure where asked, and lets it touch no mean", () => {
    const broken = [predictions[0]!.with(3, Number.NaN), ...predictions.slice(1)];
    const result = evaluate(broken, targets, { scheme: ibug68, nonFinite: "failure" });
    const rest = evaluate(predictions.slice(1), targets.slice(1), { scheme: ibug68 });
    expect(result).toMatchObject({ count: 2, failedCount: 1 });
    expect(result.nmePercent).toBeCloseTo(rest.nmePercent, 12);
    expect(result.failureRatePercent).toBeCloseTo((100 + 2 * rest.failureRatePercent) / 3, 10);
    expect(result.auc).toBeCloseTo((2 * rest.auc) / 3, 12);
    expect(result.perFacePercent[0]).toBe(Number.POSITIVE_INFINITY);
    result.perLandmarkPercent.forEach((value, k) => expect(value).toBeCloseTo(rest.perLandmarkPercent[k]!, 12));
    expect(() => evaluate(targets, broken, { scheme: ibug68, nonFinite: "failure" })).toThrow(
      "landmark 1 must have finite coordinates in prediction and target; got others at face 0",
    );
  });

  it("ignores coordinates of landmarks that do not count", () => {
    const visible = new Uint8Array(68).fill(1);
    visible[1] = 0;
    const options = { scheme: ibug68, visible };
    expect(nme(predictions[0]!.with(3, Number.NaN), targets[0]!.with(3, Number.NaN), options)).toBe(
      nme(predictions[0]!, targets[0]!, options),
    );
  });

  it("is the same whole, in parts, and after a trip through JSON, for any cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 8, maxLength: 8 }), {
          minLength: 1,
          maxLength: 12,
        }),
        fc.nat(12),
        (noise, at) => {
          const target = [0, 0, 30, 4, 12, 20, 8, 25];
          const shapes = noise.map((own) => own.map((value, q) => target[q]! + value));
          const options = { normalizer: [0, 1] as const, resamples: 20 };
          const collect = (list: number[][]) => {
            const accumulator = new NmeAccumulator(options);
            for (const shape of list) accumulator.add(shape, target);
            return NmeAccumulator.fromJSON(JSON.parse(JSON.stringify(accumulator)), options);
          };
          const merged = collect(shapes.slice(0, at));
          merged.merge(collect(shapes.slice(at)));
          const whole = evaluate(
            shapes,
            shapes.map(() => target),
            options,
          );
          const { perLandmarkPercent, ...figures } = merged.result();
          const { perLandmarkPercent: expected, ...others } = whole;
          expect(figures).toEqual(others);
          perLandmarkPercent.forEach((value, k) => expect(value).toBeCloseTo(expected[k]!, 9));
        },
      ),
      { numRuns: 30 },
    );
  });

  it("scales: doubling every error doubles NME, and a larger face halves it", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 8, noNaN: true }), fc.nat(1000), (factor, seed) => {
        const noise = targets.map((shape, f) => shape.map((_, i) => Math.sin(i * 3 + f + seed)));
        const at = (size: number) =>
          evaluate(
            targets.map((shape, f) => shape.map((value, i) => value + size * noise[f]![i]!)),
            targets,
            { scheme: ibug68, resamples: 0 },
          ).nmePercent;
        expect(at(factor) / at(1)).toBeCloseTo(factor, 8);
      }),
      { numRuns: 20 },
    );
  });

  it.each([
    [() => evaluate([], [], { scheme: ibug68 }), "at least one face"],
    [
      () => evaluate(predictions, targets.slice(1), { scheme: ibug68 }),
      "predictions must have one entry for each of 2 targets; got 3",
    ],
    [
      () => nme(predictions[0]!, new Float64Array(136), { scheme: ibug68 }),
      "the inter-ocular distance must be > 0; got 0",
    ],
    [
      () => nme([1, 2], [1, 2, 3, 4], { normalizer: "box-diagonal" }),
      "nme: prediction and target must be flat shapes of one length 2K; got 2 and 4",
    ],
    [
      () => nme(predictions[0]!.with(5, Number.NaN), targets[0]!, { scheme: ibug68 }),
      "landmark 2 must have finite coordinates",
    ],
    [() => nme(predictions[0]!, targets[0]!), "inter-ocular needs a scheme"],
    [
      () => nme(predictions[0]!, targets[0]!, { normalizer: "eyes" as never }),
      "normalizer must be one of inter-ocular",
    ],
    [
      () => evaluate(predictions, targets, { shceme: ibug68 } as never),
      'unknown option "shceme". Did you mean scheme?',
    ],
    [() => evaluate(predictions, [targets[0]!, new Float64Array(136), targets[2]!], { scheme: ibug68 }), "(face 1)"],
    [() => evaluate([undefined as never], [targets[0]!], { scheme: ibug68 }), "got undefined and 136 at face 0"],
    [
      () => evaluate(predictions, targets, { scheme: ibug68, visible: targets.map(() => [1, 0]) }),
      "visible must have 68 flags; got 2 at face 0",
    ],
    [() => evaluate(predictions, targets, { scheme: "ibug68" as never }), 'inter-ocular needs a scheme; got "ibug68"'],
    [() => evaluate(predictions, targets, { scheme: ibug68, counted: "hidden" as never }), "counted must be one of"],
    [() => nme(predictions[0]!, targets[0]!, { normalizer: "box-diagnal" as never }), "Did you mean box-diagonal?"],
    [() => nme(predictions[0]!, targets[0]!, { normalizer: [0, 68] }), "two landmark indices; got [0,68]"],
    [() => nme(predictions[0]!, targets[0]!, { normalizer: [[], 3] }), "two landmark indices; got [[],3]"],
    [
      () => nme(predictions[0]!, targets[0]!, { normalizer: "box-geometric", box: [5, 5, 1, 9] }),
      "the box-geometric distance must be > 0; got NaN",
    ],
    [() => auc([]), "auc: errors must hold at least one face; got none"],
    [() => failureRate([0.1], { threshold: Number.NaN }), "threshold must be > 0; got NaN"],
    [() => cedCurve([0.1], { thresholds: [] }), "thresholds must not be empty"],
    [() => NmeAccumulator.fromJSON({} as never), "must be what toJSON gave"],
  ])("throws a clear error (%#)", (run, message) => {
    expect(run).toThrow(message);
  });

  it("keeps nothing of a face that it refuses", () => {
    const accumulator = new NmeAccumulator({ scheme: ibug68 });
    accumulator.add(predictions[0]!, targets[0]!);
    const before = JSON.stringify(accumulator);
    expect(() => accumulator.add(predictions[1]!.with(130, Number.NaN), targets[1]!)).toThrow("landmark 65");
    expect(JSON.stringify(accumulator)).toBe(before);
  });

  it("merges an accumulator with itself, and refuses other settings", () => {
    const accumulator = new NmeAccumulator({ scheme: ibug68 });
    accumulator.add(predictions[0]!, targets[0]!);
    accumulator.merge(accumulator);
    expect(accumulator.length).toBe(2);
    expect(() => accumulator.merge(new NmeAccumulator({ scheme: ibug68, normalizer: "inter-pupil" }))).toThrow(
      "both must have one scheme, normalizer",
    );
  });

  it("measures with every normaliser", () => {
    const target = Float64Array.from({ length: 136 }, (_, i) => (i % 2 ? 3 * Math.sin(i) : 4 * Math.cos(i)));
    target.set([-4, -3, 4, 3, -4, 3]);
    const size = (normalizer: Normalizer) => normalizerSize(target, { normalizer, scheme: ibug68 });
    expect(size("face-size")).toBe(7);
    expect(size("box-diagonal")).toBe(10);
    expect(size("box-geometric")).toBeCloseTo(Math.sqrt(48), 12);
    expect(size([0, 1])).toBe(10);
    expect(size([[0, 2], 1])).toBe(Math.hypot(8, 3));
    expect(normalizerSize(target, { normalizer: "face-size", box: [0, 0, 2, 4] })).toBe(3);
    expect([...normalizedErrors(target, target, { scheme: ibug68 })]).toEqual(Array(68).fill(0));
  });

  it("gives NaN, never 0, for a face without a visible landmark", () => {
    expect(nme(predictions[0]!, targets[0]!, { scheme: ibug68, visible: new Uint8Array(68) })).toBeNaN();
  });
});
