import { halvingRungs } from "./halving-rungs.js";

it("halvingRungs({ minEpochs, eta, epochs }) grows by eta and ends at the last epoch", () => {
  expect(halvingRungs({ minEpochs: 2, eta: 3, epochs: 20 })).toEqual([2, 6, 18, 20]);
  expect(halvingRungs({ minEpochs: 1, eta: 1.5, epochs: 4 })).toEqual(
    [1, 2, 2, 3, 4].filter((r, i, all) => r !== all[i - 1]),
  );
  expect(halvingRungs({ minEpochs: 20, eta: 3, epochs: 20 })).toEqual([20]);
});

it("halvingRungs refuses values out of range", () => {
  expect(() => halvingRungs({ minEpochs: 0, eta: 3, epochs: 20 })).toThrow("minEpochs >= 1");
  expect(() => halvingRungs({ minEpochs: 1, eta: 1, epochs: 20 })).toThrow("eta > 1");
});
