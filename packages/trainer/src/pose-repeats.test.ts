import { ibug68 } from "@acr/core";
import { headTurn, poseRepeats } from "./pose-repeats.js";

/** Eyes at ±1, everything else at one sideways place. */
const shapeAt = (x: number) => {
  const shape = new Float64Array(136);
  for (let i = 0; i < 68; i++) shape.set([x, 1], 2 * i);
  shape.set([-1, 0], 72);
  shape.set([1, 0], 90);
  return shape;
};

it("headTurn is 0 for a frontal face, odd in the turn, and blind to similarity transforms", () => {
  expect(headTurn(shapeAt(0), ibug68)).toBeCloseTo(0, 12);
  const turn = headTurn(shapeAt(0.5), ibug68);
  expect(turn).toBeCloseTo((0.5 * 66) / 68 / 2, 12);
  expect(headTurn(shapeAt(-0.5), ibug68)).toBeCloseTo(-turn, 12);
  const moved = Float64Array.from(shapeAt(0.5));
  for (let i = 0; i < 136; i += 2) {
    const [x, y] = [moved[i]!, moved[i + 1]!];
    moved.set([3 * (0.6 * x - 0.8 * y) + 7, 3 * (0.8 * x + 0.6 * y) - 2], i);
  }
  expect(headTurn(moved, ibug68)).toBeCloseTo(turn, 12);
  expect(headTurn(new Float64Array(136), ibug68)).toBe(0);
});

it("poseRepeats shows rare turns more often, up to the limit", () => {
  const shapes = [...Array.from({ length: 18 }, () => shapeAt(0)), shapeAt(0.8), shapeAt(0.8)];
  const repeats = (strength: number, maximumRepeat = 10) =>
    poseRepeats(shapes, { scheme: ibug68, strength, maximumRepeat });
  expect(repeats(0)).toEqual(new Array(20).fill(1));
  expect(repeats(1).slice(17)).toEqual([1, 5, 5]);
  expect(repeats(0.5).slice(17)).toEqual([1, 2, 2]);
  expect(repeats(1, 3).slice(17)).toEqual([1, 3, 3]);
});

it("poseRepeats refuses values out of range", () => {
  expect(() => poseRepeats([], { scheme: ibug68, strength: 2, maximumRepeat: 1 })).toThrow(
    "strength must be in [0, 1]",
  );
  expect(() => poseRepeats([], { scheme: ibug68, strength: 1, maximumRepeat: 0 })).toThrow("maximumRepeat");
});
