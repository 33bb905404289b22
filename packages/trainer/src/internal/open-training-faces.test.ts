import { parseRecipe } from "../recipe.js";
import { openTrainingFaces } from "./open-training-faces.js";

const idsOf = async (input: object) => {
  const faces = await openTrainingFaces(parseRecipe(input));
  const ids = await Promise.all(Array.from({ length: faces.length }, async (_, i) => (await faces.get(i)).id));
  const counts = new Map<string, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return { ids, counts };
};
const synthetic = { trainCount: 5, valCount: 2 };

it("openTrainingFaces shows each face of the data set once where nothing is mixed in", async () => {
  const { counts } = await idsOf({ synthetic });
  expect([...counts.values()]).toEqual([1, 1, 1, 1, 1]);
});

it.each([
  [0.5, 3, [1]],
  [1, 6, [1]],
  [2.5, 15, [2, 3]],
])(
  "openTrainingFaces mixes weight %d of six faces in as %d, none much more often than another",
  async (weight, total, often) => {
    const { ids, counts } = await idsOf({
      synthetic,
      mix: [{ dataset: "synthetic", split: "test", synthetic: { valCount: 6 }, weight }],
    });
    expect(ids).toHaveLength(5 + total);
    const mixed = [...counts].filter(([id]) => id.includes("held-out"));
    expect(mixed.reduce((sum, [, count]) => sum + count, 0)).toBe(total);
    expect([...new Set(mixed.map(([, count]) => count))].sort()).toEqual(often);
    expect([...counts].filter(([id]) => !id.includes("held-out")).map(([, count]) => count)).toEqual([1, 1, 1, 1, 1]);
  },
);

it("openTrainingFaces mixes the same faces in for the same seed, others for another", async () => {
  const recipe = (seed: number) => ({
    synthetic,
    seed,
    mix: [{ dataset: "synthetic", split: "test", synthetic: { valCount: 40 }, weight: 0.25 }],
  });
  const mixed = async (seed: number) => (await idsOf(recipe(seed))).ids.slice(5);
  expect(await mixed(1)).toEqual(await mixed(1));
  expect(await mixed(1)).not.toEqual(await mixed(2));
});

it("openTrainingFaces with balance by pose repeats rare turns, of every source, up to the limit", async () => {
  const base = { synthetic: { trainCount: 60, valCount: 2 } };
  const plain = await idsOf(base);
  const even = await idsOf({ ...base, balance: { by: "pose", strength: 1, maximumRepeat: 3 } });
  expect(even.ids.length).toBeGreaterThan(plain.ids.length);
  expect([...even.counts.values()].every((count) => count >= 1 && count <= 3)).toBe(true);
  expect(even.counts.size).toBe(60);
});

it("openTrainingFaces with balance by class evens out a tag, and names the tags there are for one that is not", async () => {
  const base = { synthetic: { trainCount: 40, valCount: 2 } };
  const plain = await openTrainingFaces(parseRecipe(base));
  const faces = await Promise.all(Array.from({ length: 40 }, (_, i) => plain.get(i)));
  const tag = Object.keys(faces[0]!.tags).find((name) => new Set(faces.map(({ tags }) => tags[name])).size === 2)!;
  const rare = (list: readonly { tags: Record<string, unknown> }[]) =>
    list.filter(({ tags }) => tags[tag] === true).length;
  const rareShare = Math.min(rare(faces), 40 - rare(faces));
  const balance = { by: "class", tag, strength: 1, maximumRepeat: 20 };
  const even = await openTrainingFaces(parseRecipe({ ...base, balance }));
  const shown = await Promise.all(Array.from({ length: even.length }, (_, i) => even.get(i)));
  // Rounded: N / (2 · n) times for the rarer of two.
  const repeat = Math.round(40 / (2 * rareShare));
  expect(repeat).toBeGreaterThan(1);
  expect(shown).toHaveLength(40 - rareShare + rareShare * repeat);
  await expect(openTrainingFaces(parseRecipe({ ...base, balance: { by: "class", tag: "mood" } }))).rejects.toThrow(
    /has "mood"; its faces have \w+/,
  );
});
