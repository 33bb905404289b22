import { parseSweepPlan, type TrialResult } from "@acr/trainer";
import { sweepMarkdown, sweepRecord } from "./sweep-report.js";

const plan = parseSweepPlan({ recipe: { epochs: 1 }, parameters: { loss: ["l1", "l2"] }, seeds: [1, 2] });
const result = (index: number, status: TrialResult["status"] = "finished") =>
  ({
    ...{ formatVersion: 1, index, id: `${index}`, name: index % 2 === 0 ? "l1" : "l2", seed: 1, values: {}, status },
    ...{ nmePercent: 5 + index, epochs: 1, attempts: 1, seconds: 3600, finishedAt: "2026-01-01T00:00:00.000Z" },
  }) as TrialResult;

it("sweepRecord(sweeps) and sweepMarkdown(sweeps) say how much of the plan is done", () => {
  const record = (results: TrialResult[]) =>
    (sweepRecord([{ folder: "f", plan, results }]) as { sweeps: Record<string, unknown>[] }).sweeps[0];
  const half = [result(0), result(1)];
  expect(record(half)).toMatchObject({ trialCount: 4, isComplete: false });
  expect(sweepMarkdown([{ folder: "f", plan, results: half }])).toContain(
    "**Not complete.** 2 of 4 trials with a result, 2.0 h of training",
  );
  expect(record([...half, result(2), result(3, "paused")])).toMatchObject({ isComplete: false });
  const whole = [...half, result(2, "pruned"), result(3)];
  expect(record(whole)).toMatchObject({ trialCount: 4, isComplete: true });
  expect(sweepMarkdown([{ folder: "f", plan, results: whole }])).not.toContain("Not complete");
});
