import { ibug68 } from "@acr/core";
import { headPose, temporalJitter } from "./index.js";

const still = Array.from({ length: 5 }, () => [0, 0, 10, 0, 5, 8]);
const normalizer = [0, 1] as const;

describe("temporalJitter(predictions)", () => {
  it("is 0 for predictions that are wrong by the same vector in every frame", () => {
    const off = still.map((shape) => shape.map((value) => value + 3));
    const { jitterPercent, accelerationPercent } = temporalJitter(off, { targets: still, normalizer });
    expect(jitterPercent).toBe(0);
    expect(accelerationPercent).toBe(0);
  });

  it("counts the change of the error: a point that hops by 1 on a face of size 10 jitters by 10 %", () => {
    const hopping = still.map((shape, t) => shape.map((value, q) => (q === 4 ? value + (t % 2) : value)));
    const result = temporalJitter(hopping, { targets: still, normalizer });
    expect(result.perLandmarkPercent.map(Math.round)).toEqual([0, 0, 10]);
    expect(result.jitterPercent).toBeCloseTo(10 / 3, 12);
    expect(result.accelerationPercent).toBeCloseTo(20 / 3, 12);
  });

  it("sees no acceleration in even motion, and nothing at all when it follows the truth", () => {
    const moving = still.map((shape, t) => shape.map((value) => value + 2 * t));
    expect(temporalJitter(moving, { normalizer }).accelerationPercent).toBeCloseTo(0, 12);
    expect(temporalJitter(moving, { normalizer }).jitterPercent).toBeCloseTo(20 * Math.SQRT2, 10);
    expect(temporalJitter(moving, { normalizer, targets: moving }).jitterPercent).toBe(0);
  });

  it("does not change with the size of the picture", () => {
    const noisy = still.map((shape, t) => shape.map((value, q) => value + Math.sin(7 * t + q)));
    const twice = (shapes: number[][]) => shapes.map((shape) => shape.map((value) => 2 * value));
    expect(temporalJitter(twice(noisy), { targets: twice(still), normalizer }).jitterPercent).toBeCloseTo(
      temporalJitter(noisy, { targets: still, normalizer }).jitterPercent,
      12,
    );
  });

  it("has no acceleration for two frames", () => {
    expect(temporalJitter(still.slice(0, 2), { normalizer }).accelerationPercent).toBeNaN();
  });

  it.each([
    [() => temporalJitter(still.slice(0, 1), { normalizer }), "at least 2 frames; got 1"],
    [() => temporalJitter(still, { normalizer, targets: still.slice(1) }), "targets must hold 5 frames; got 4"],
    [() => temporalJitter([...still, [1, 2]], { normalizer }), "flat shape of 6 numbers; got 2 at frame 5"],
    [() => temporalJitter([still[0]!, still[1]!.with(2, Number.NaN)], { normalizer }), "landmark 1 has not"],
    [() => temporalJitter(still), "inter-ocular needs a scheme"],
  ])("throws a clear error (%#)", (run, message) => {
    expect(run).toThrow(message);
  });
});

describe("headPose(shape, { scheme })", () => {
  /** Outer eye corners and nose tip of a head seen from afar after a turn about the vertical axis, then in the plane. */
  const turned = (yawDegrees: number, rollDegrees: number) => {
    const shape = new Float64Array(136);
    const [yaw, roll] = [yawDegrees, rollDegrees].map((degrees) => (degrees * Math.PI) / 180) as [number, number];
    for (const [k, x, y, z] of [
      [36, -50, 0, 0],
      [45, 50, 0, 0],
      [30, 0, 30, 50],
    ] as const) {
      const across = x * Math.cos(yaw) + z * Math.sin(yaw);
      shape[2 * k] = across * Math.cos(roll) + y * Math.sin(roll);
      shape[2 * k + 1] = -across * Math.sin(roll) + y * Math.cos(roll);
    }
    return shape;
  };

  it.each([
    [0, 0],
    [25, 0],
    [-40, 10],
    [12, -35],
  ])("finds a yaw of %d and a roll of %d degrees", (yaw, roll) => {
    const pose = headPose(turned(yaw, roll), { scheme: ibug68 });
    expect(pose.yawDegrees).toBeCloseTo(yaw, 8);
    expect(pose.rollDegrees).toBeCloseTo(roll, 8);
  });

  it("throws a clear error", () => {
    expect(() => headPose([1, 2], { scheme: ibug68 })).toThrow("must have 136 numbers; got 2");
    expect(() => headPose(new Float64Array(136), { scheme: ibug68 })).toThrow("eye corners must lie apart");
  });
});
