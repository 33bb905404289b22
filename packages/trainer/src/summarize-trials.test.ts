import { summarizeTrials, type TrialResult } from "./index.js";

const trial = (name: string, seed: number, more: Partial<TrialResult>): TrialResult => ({
  ...{ formatVersion: 1, index: 0, id: `${name}-s${seed}`, name, seed, values: { loss: name } },
  ...{ status: "finished", attempts: 1, worker: "here:1", finishedAt: "2026-01-01T00:00:00Z", epochs: 10, seconds: 5 },
  ...more,
});

it("summarizeTrials gives mean and sample deviation over the seeds of each setting, best first", () => {
  const [acr, l2, broken] = summarizeTrials([
    trial("l2", 1, { nmePercent: 6, auc: 0.4 }),
    trial("acr", 2, { nmePercent: 5.5, auc: 0.6 }),
    trial("l2", 2, { nmePercent: 7, auc: 0.5 }),
    trial("acr", 1, { nmePercent: 5.1, auc: 0.5, epochs: 4, status: "pruned" }),
    trial("acr", 3, { nmePercent: 5.3 }),
    trial("wing", 1, { status: "failed", error: "no" }),
  ]) as [ReturnType<typeof summarizeTrials>[number], ReturnType<typeof summarizeTrials>[number], object];
  // By hand: mean of 5.5, 5.1, 5.3; deviations 0.2, −0.2, 0; √(0.08 / 2).
  expect(acr.nmePercent!.mean).toBeCloseTo(5.3, 12);
  expect(acr.nmePercent!.standardDeviation).toBeCloseTo(0.2, 12);
  expect(acr).toMatchObject({ name: "acr", seeds: [1, 2, 3], epochs: 4, seconds: 15, values: { loss: "acr" } });
  expect(acr.statuses).toEqual({ finished: 2, pruned: 1 });
  expect(acr.auc!.standardDeviation).toBeCloseTo(Math.SQRT1_2 / 10, 12);
  expect(l2.nmePercent).toMatchObject({ mean: 6.5, min: 6, max: 7 });
  expect(l2.nmePercent!.standardDeviation).toBeCloseTo(Math.SQRT1_2, 12);
  expect(broken).toEqual({
    ...{ name: "wing", values: { loss: "wing" }, seeds: [], statuses: { failed: 1 }, seconds: 5 },
  });
});

it("summarizeTrials has no deviation of a single seed, and nothing of nothing", () => {
  expect(summarizeTrials([])).toEqual([]);
  expect(summarizeTrials([trial("l1", 1, { nmePercent: 5 })])[0]!.nmePercent).toEqual({ mean: 5, min: 5, max: 5 });
});
