import { type ProgressState, progressLine } from "./progress-line.js";

const STATE: ProgressState = {
  ...{ epoch: 2, epochCount: 12, batch: 63, batchCount: 126, loss: 0.01234567, nmePercent: 8.104 },
  ...{ imagesPerSecond: 143.2, waitPercent: 1.4, memoryMb: 512.3, secondsLeft: 185 },
};

it("progressLine(state, columns) fits every width, also with a title and large numbers", () => {
  const large = { ...STATE, epochCount: 1000, batch: 99999, batchCount: 100000, secondsLeft: 1e6, memoryMb: 65536 };
  for (const state of [
    STATE,
    large,
    { ...STATE, title: "losses-acr-scale-10-seed-2" },
    { ...STATE, batchCount: 0, batch: 0 },
  ])
    for (let columns = 0; columns <= 200; columns++)
      expect(progressLine(state, columns).length).toBeLessThanOrEqual(columns);
});

it("progressLine(state, columns) shows everything where there is room, and keeps what matters where there is little", () => {
  expect(progressLine(STATE, 140)).toBe(
    `epoch 2/12 [${"█".repeat(20)}${"░".repeat(20)}] 63/126 | loss 0.01235 | NME 8.10 % | 143 images/s | waiting 1 % | 512 MB | 3:05 left`,
  );
  expect(progressLine(STATE, 79)).toBe(
    "epoch 2/12 [█████████░░░░░░░░░░] 63/126 | loss 0.01235 | NME 8.10 % | 3:05 left",
  );
  expect(progressLine(STATE, 30)).toBe("epoch 2/12 63/126 | 3:05 left");
  expect(progressLine(STATE, 12)).toBe("epoch 2/12");
});

it("progressLine(state, columns) fills the bar with the epoch, and never past its end", () => {
  const bar = (batch: number) =>
    /\[(█*)(░*)\]/
      .exec(progressLine({ ...STATE, batch }, 140))!
      .slice(1)
      .map((s) => s.length);
  expect(bar(0)).toEqual([0, 40]);
  expect(bar(126)).toEqual([40, 0]);
  expect(progressLine({ ...STATE, nmePercent: undefined }, 140)).toContain("| NME – |");
});
