import { type FaceDataset, getLandmarkScheme, ibug68 } from "@acr/core";
import { createSyntheticFaces } from "@acr/synthetic";
import { mixedFaces } from "./mixed-faces.js";

const faces = (seed: string, scheme = ibug68) => createSyntheticFaces({ count: 3, seed, scheme, imageSize: 48 });

it("mixedFaces(sources) shows the wanted faces of each source, as often as wanted", async () => {
  const [a, b] = [faces("a"), faces("b")];
  const both = mixedFaces([
    { faces: a, indices: [2, 0] },
    { faces: b, indices: [1, 1] },
  ]);
  expect(both.length).toBe(4);
  const shown = [];
  for await (const face of both) shown.push(face);
  expect(shown.map(({ landmarks }) => landmarks)).toEqual([
    (await a.get(2)).landmarks,
    (await a.get(0)).landmarks,
    (await b.get(1)).landmarks,
    (await b.get(1)).landmarks,
  ]);
  expect(shown[0]!.id).toBe(`${a.name}/${(await a.get(2)).id}`);
});

it("mixedFaces throws for no source, other landmarks and an index outside", async () => {
  expect(() => mixedFaces([])).toThrow("expected at least one source");
  const other = faces("c", getLandmarkScheme("cofw29"));
  expect(() =>
    mixedFaces([
      { faces: faces("a"), indices: [0] },
      { faces: other, indices: [0] },
    ]),
  ).toThrow("ibug68");
  await expect(mixedFaces([{ faces: faces("a"), indices: [0] }]).get(1)).rejects.toThrow("from 0 to 0; got 1");
});

it("mixedFaces describes without pixels only where all sources can", () => {
  const described = { ...faces("a"), describe: (index: number) => ({ id: `${index}`, landmarks: [index] }) };
  const both = mixedFaces([{ faces: described, indices: [2] }]) as unknown as typeof described;
  expect(both.describe(0)).toMatchObject({ landmarks: [2] });
  const partly = mixedFaces([
    { faces: described, indices: [2] },
    // A data set of a user's own may only know whole faces.
    { faces: { ...faces("b"), describe: undefined } as FaceDataset, indices: [0] },
  ]);
  expect("describe" in partly).toBe(false);
});
