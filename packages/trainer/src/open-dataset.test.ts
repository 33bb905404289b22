import { InvalidArgumentError } from "@acr/core";
import { openDataset } from "./open-dataset.js";
import { parseRecipe } from "./recipe.js";

describe("openDataset(recipe, split) of synthetic faces", () => {
  const open = (split: string, seed = 0) =>
    openDataset(parseRecipe({ seed, synthetic: { trainCount: 6, valCount: 6 } }), split);
  const shapes = async (split: string, seed?: number) => {
    const out: string[] = [];
    for await (const { landmarks } of await open(split, seed)) out.push(Array.from(landmarks).join());
    return out;
  };

  it("never shares a face between train and test, whatever the seed", async () => {
    const all = [await shapes("test"), await shapes("train", 0), await shapes("train", 1), await shapes("train", 2)];
    expect(new Set(all.flat()).size).toBe(24);
  });

  it("tests on the same faces for every seed", async () => {
    expect(await shapes("test", 3)).toEqual(await shapes("test", 4));
  });

  it.each(["tets", "common", ""])("refuses the split %p", async (split) => {
    await expect(open(split)).rejects.toThrow(InvalidArgumentError);
    await expect(open(split)).rejects.toThrow(`must be "train" or "test"; got "${split}"`);
  });
});
