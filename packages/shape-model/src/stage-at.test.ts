import { paperSchedule, stageAt } from "./stage-at.js";

describe("stageAt(schedule, epoch, totalEpochs)", () => {
  it("follows the paper's stages at their borders", () => {
    expect([0, 15, 16, 30, 31, 70, 71, 100, 101, 150].map((epoch) => stageAt(paperSchedule, epoch).fraction)).toEqual([
      0.8, 0.8, 0.85, 0.85, 0.9, 0.9, 0.95, 0.95, 0.97, 0.97,
    ]);
  });

  it("understands fractions of the training and refuses schedules that make no sense", () => {
    const schedule = [
      { from: 0, fraction: 0.8 },
      { from: 0.2, fraction: 0.9 },
    ];
    expect(stageAt(schedule, 2, 15).fraction).toBe(0.8);
    expect(stageAt(schedule, 3, 15).fraction).toBe(0.9);
    expect(() => stageAt(schedule, 3)).toThrow("totalEpochs must be > 0");
    expect(() => stageAt([], 0)).toThrow("at least one stage");
    expect(() => stageAt([...paperSchedule].reverse(), 0)).toThrow("the first stage must start at 0");
    expect(() => stageAt([{ fromEpoch: 0, fraction: 2 }], 0)).toThrow("fraction must be in (0, 1]; got 2");
  });

  it.each([
    [() => stageAt([{ fromEpoch: Number.NaN, fraction: 0.8 }], 0), "fromEpoch must be >= 0; got NaN"],
    [() => stageAt([{ from: 2, fraction: 0.8 }], 0, 10), "from must be in [0, 1]; got 2"],
    [() => stageAt([{ fraction: 0.8 } as never], 0, 10), "from must be in [0, 1]; got undefined"],
    [() => stageAt(paperSchedule, -1), "epoch must be >= 0; got -1"],
    [() => stageAt(paperSchedule, Number.NaN), "epoch must be >= 0; got NaN"],
    [() => stageAt(undefined as never, 0), "at least one stage"],
    [
      () =>
        stageAt(
          [
            { fromEpoch: 0, fraction: 0.8 },
            { fromEpoch: 0, fraction: 0.9 },
          ],
          0,
        ),
      "rising order",
    ],
  ])("throws a clear error (%#)", (run, message) => {
    expect(run).toThrow(message);
  });

  it("keeps the last stage after the end of the schedule", () => {
    expect(stageAt(paperSchedule, 10_000).fraction).toBe(0.97);
  });
});
