import { createRandom, type Face, type FaceDataset, ibug68, type RgbImage, warpAffine } from "@acr/core";
import { dataFolder } from "@acr/testing";
import { examineDataset, open300W } from "./index.js";

/** A picture of its own: soft blobs in random places. */
function picture(seed: number): RgbImage {
  const random = createRandom(seed);
  const blobs = Array.from(
    { length: 12 },
    () => [random.uniform(0, 90), random.uniform(0, 90), random.uniform(-1, 1)] as const,
  );
  const data = new Uint8Array(90 * 90 * 3);
  for (let i = 0; i < 8100; i++) {
    const level = blobs.reduce(
      (sum, [x, y, weight]) => sum + weight * Math.exp(-(((i % 90) - x) ** 2 + (Math.floor(i / 90) - y) ** 2) / 300),
      0,
    );
    data.fill(Math.max(0, Math.min(255, 128 + 90 * level)), 3 * i, 3 * i + 3);
  }
  return { width: 90, height: 90, data };
}
const shape = (seed: number) => {
  const random = createRandom(`shape ${seed}`);
  return Float64Array.from({ length: 136 }, () => random.uniform(20, 70));
};
const face = (id: string, change: Partial<Face> = {}): Face => ({
  id,
  image: picture(Number(id.replace(/\D/g, ""))),
  landmarks: shape(Number(id.replace(/\D/g, ""))),
  box: [20, 20, 70, 70],
  scheme: ibug68,
  tags: {},
  ...change,
});
const setOf = (name: string, all: Face[]): FaceDataset => ({
  name,
  length: all.length,
  scheme: ibug68,
  get: async (i) => all[i]!,
  async *[Symbol.asyncIterator]() {
    yield* all;
  },
});

describe("examineDataset(dataset, { others })", () => {
  it("finds a photo that was cropped and labelled twice, within and across sets, and no other pair", async () => {
    // The same picture, half a pixel off, 2 % larger, brighter.
    const again = warpAffine(picture(3), [0.98, 0, 1.3, 0, 0.98, 0.2], { width: 90, height: 90 });
    const twin = { ...again, data: again.data.map((value) => Math.min(255, value + 12)) };
    const train = setOf("train", [...Array.from({ length: 30 }, (_, i) => face(`a${i}`)), face("b3", { image: twin })]);
    const test = setOf("test", [face("c100"), face("c101", { image: picture(7) })]);
    const { duplicates, faults, outside, disagreements, warnings } = await examineDataset(train, { others: [test] });
    expect(duplicates.map(({ first, second, firstSet, secondSet }) => [first, second, firstSet, secondSet])).toEqual([
      ["a7", "c101", "train", "test"],
      ["a3", "b3", "train", "train"],
    ]);
    expect([faults, outside, disagreements, warnings]).toEqual([[], [], [], []]);
  });

  it("finds landmarks outside, boxes elsewhere and labels counted from the wrong end", async () => {
    const whole = (least: number, most: number) =>
      Float64Array.from({ length: 136 }, (_, q) => (q === 0 ? least : q === 1 ? most : 40 + (q % 20)));
    const examined = await examineDataset(
      setOf("odd", [
        face("a1", { landmarks: shape(1).fill(95, 4, 5) }),
        face("a2", { box: [0, 0, 25, 25] }),
        face("a3"),
      ]),
    );
    expect(examined.outside).toEqual([{ id: "a1", landmarks: [2], width: 90, height: 90 }]);
    expect(examined.disagreements.map(({ id }) => id)).toEqual(["a2"]);
    const oneBased = await examineDataset(setOf("one", [face("a1", { landmarks: whole(1, 90) })]));
    expect(oneBased.warnings).toEqual([expect.stringContaining("they look one-based")]);
    const zeroBased = await examineDataset(setOf("zero", [face("a1", { landmarks: whole(-1, 50) })]));
    expect(zeroBased.warnings).toEqual([expect.stringContaining("they look zero-based")]);
    await expect(examineDataset(setOf("x", []), { hashBits: 99 })).rejects.toThrow("hashBits must be in [0, 63]");
  });

  const real = dataFolder("300w");
  (real ? it : it.skip)("finds the photograph that LFPW's training and test folders share", async () => {
    const test = await open300W({ root: real!, split: "lfpw/testset" });
    const train = await open300W({ root: real!, split: "lfpw/trainset" });
    const { duplicates } = await examineDataset(test, { others: [train] });
    expect(duplicates).toContainEqual(
      expect.objectContaining({ first: "lfpw/testset/image_0096", second: "lfpw/trainset/image_0828" }),
    );
  });
});
