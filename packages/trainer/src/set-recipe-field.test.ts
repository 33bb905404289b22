import { setRecipeField } from "./set-recipe-field.js";

it("setRecipeField(recipe, path, value) sets fields and makes groups on the way", () => {
  const recipe: Record<string, unknown> = { loss: "acr", optimizer: { name: "sgd" } };
  setRecipeField(recipe, "lossOptions.scale", 10);
  setRecipeField(recipe, "optimizer.momentum", 0.5);
  setRecipeField(recipe, "loss", "l2");
  expect(recipe).toEqual({ loss: "l2", lossOptions: { scale: 10 }, optimizer: { name: "sgd", momentum: 0.5 } });
});

it.each(["", "a.", ".a", "__proto__.x", "a.constructor.b", "loss.x", "list.0"])(
  "setRecipeField(recipe, %j, …) is refused",
  (path) => {
    expect(() => setRecipeField({ loss: "acr", list: [1] }, path, 1)).toThrow("setRecipeField");
    expect(({} as { x?: number }).x).toBeUndefined();
  },
);
