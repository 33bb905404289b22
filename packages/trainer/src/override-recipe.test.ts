import { overrideRecipe, parseRecipe } from "./index.js";

it.each([
  [{ loss: "acr", lossOptions: { scale: 3 } }, { epochs: 2 }, { loss: "acr", lossOptions: { scale: 3 }, epochs: 2 }],
  [{}, {}, {}],
  [{ lossOptions: { scale: 3 } }, { seed: 2 }, { lossOptions: { scale: 3 }, seed: 2 }],
  [{ lossOptions: { scale: 3 } }, { loss: "l2" }, { loss: "l2" }],
  [{ lossOptions: { scale: 3 } }, { loss: "acr" }, { loss: "acr", lossOptions: { scale: 3 } }],
  [{ loss: "acr", lossOptions: { scale: 3 } }, { loss: "l2", seed: undefined }, { loss: "l2" }],
  [
    { loss: "acr", lossOptions: { scale: 3 } },
    { lossOptions: { width: 0.1 }, loss: "wing" },
    { loss: "wing", lossOptions: { width: 0.1 } },
  ],
])("overrideRecipe(%j, %j) is %j", (recipe, fields, expected) => {
  expect(overrideRecipe(recipe, fields)).toEqual(expected);
});

it("overrideRecipe swaps the loss of a recipe that is written in full", () => {
  const full = parseRecipe({ loss: "acr" });
  expect(full.lossOptions).toEqual({ scale: 10 });
  expect(parseRecipe(overrideRecipe(full, { loss: "l2" })).lossOptions).toEqual({});
  expect(full.difficulty.unit).toBe("landmark");
});
