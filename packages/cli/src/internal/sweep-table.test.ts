import { type SweepState, sweepTable } from "./sweep-table.js";

const STATE: SweepState = {
  ...{ trialCount: 40, doneCount: 12, failedCount: 1, seconds: 4210, endedNow: 10 },
  running: [
    {
      ...{ id: "0012-acr-scale10-landmark-s1", epoch: 4, epochs: 15, loss: 0.0123456, nmePercent: 7.214 },
      ...{ imagesPerSecond: 83.4, worker: "head-node-17:12345" },
    },
    { id: "0013-l2-s1", epochs: 15 },
  ],
  best: [
    { id: "0001-acr-scale10-s1", nmePercent: 5.474 },
    { id: "0003-l1-s1", nmePercent: 5.69 },
  ],
};

it("sweepTable(state, { columns: 120 }) shows everything", () => {
  expect(sweepTable(STATE, { columns: 120, rows: 24 })).toEqual([
    "12/40 trials, 2 running, 1 failed, 3:16:28 left, 1:10:10 elapsed",
    "0012-acr-scale10-landmark-s1  epoch 4/15  NME 7.21 %  loss 0.0123  83 images/s  head-node-17:12345",
    "0013-l2-s1                    starting",
    "1. 5.47 %  0001-acr-scale10-s1",
    "2. 5.69 %  0003-l1-s1",
  ]);
});

it("sweepTable(state, { columns: 40 }) keeps names, epochs and scores", () => {
  expect(sweepTable(STATE, { columns: 40, rows: 24 })).toEqual([
    "12/40 trials, 2 running, 1 failed",
    "0012-acr-scale1…  epoch 4/15  NME 7.21 %",
    "0013-l2-s1        starting",
    "1. 5.47 %  0001-acr-scale10-s1",
    "2. 5.69 %  0003-l1-s1",
  ]);
});

it.each([1, 8, 20, 33, 60, 79, 200])("sweepTable(state, { columns: %d }) breaks no line", (columns) => {
  const lines = sweepTable({ ...STATE, trouble: "Redis at redis://head does not answer" }, { columns, rows: 24 });
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
  expect(lines).toHaveLength(6);
});

it("sweepTable(state, { rows: 8 }) counts the trials that do not fit", () => {
  const running = Array.from({ length: 30 }, (_, i) => ({ id: `trial-${i}`, epochs: 2 }));
  const lines = sweepTable({ ...STATE, running }, { columns: 80, rows: 8 });
  expect(lines.length).toBeLessThanOrEqual(8);
  expect(lines).toContain("… 27 more");
});
