import { plotLoss } from "./index.js";

describe("plotLoss(name, options)", () => {
  it("gives a value and an influence curve for each difficulty, equal to the closed forms", () => {
    const { errors, curves, lossName } = plotLoss("acrLoss", {
      options: { lambda: 3 },
      difficulties: [0, 1],
      pointCount: 5,
    });
    expect(lossName).toBe("acr");
    expect(errors).toEqual([-2, -1, 0, 1, 2]);
    expect(curves.map((curve) => curve.difficulty)).toEqual([0, 1]);
    expect(curves[0]!.values[1]).toBeCloseTo(3 * Math.LN2, 12);
    expect(curves[0]!.influences).toEqual([-4, -3, 0, 3, 4]);
    expect(curves[1]!.influences[3]).toBe(1.5);
  });
  it("gives one curve for losses without difficulty, from the same rule as the loss", () => {
    const { curves } = plotLoss("l2", { maxError: 3, pointCount: 3 });
    expect(curves).toEqual([{ difficulty: undefined, values: [9, 0, 9], influences: [-6, 0, 6] }]);
  });
  it("refuses unknown names and options, and values out of range", () => {
    expect(() => plotLoss("l3")).toThrow('unknown loss "l3"; did you mean l1?');
    expect(() => plotLoss("acr", { difficulties: [2] })).toThrow("difficulties must be numbers in [0, 1]");
    expect(() => plotLoss("acr", { pointCount: 4 })).toThrow("odd integer from 3 to 1000001; got 4");
    expect(() => plotLoss("acr", { maxError: 0 })).toThrow("maxError must be a finite number > 0; got 0");
    expect(() => plotLoss("acr", { options: { lambda: -1 } })).toThrow("acrLoss: lambda");
  });
});
