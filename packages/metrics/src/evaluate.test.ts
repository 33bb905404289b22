import "@tensorflow/tfjs-backend-cpu";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { getLandmarkScheme, ibug68 } from "@acr/core";
import { expectNoTensorLeak, goldenFolder } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { evaluate, NmeAccumulator, type Normalizer, nme, nmeMetric } from "./index.js";

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

  it("agrees with nmeMetric, which leaks no tensor", async () => {
    await tf.setBackend("cpu");
    const asTensor = (shapes: Float64Array[]) => tf.tensor(shapes.map((shape) => [...shape]));
    await expectNoTensorLeak(() => {
      const [t, p] = [asTensor(targets), asTensor(predictions)];
      const result = nmeMetric(ibug68)(t, p);
      expect(result.dataSync()[0]).toBeCloseTo(evaluate(predictions, targets, { scheme: ibug68 }).nmePercent, 3);
      tf.dispose([t, p, result]);
    });
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
  ])("throws a clear error (%#)", (run, message) => {
    expect(run).toThrow(message);
  });

  it("gives NaN, never 0, for a face without a visible landmark", () => {
    expect(nme(predictions[0]!, targets[0]!, { scheme: ibug68, visible: new Uint8Array(68) })).toBeNaN();
  });
});
