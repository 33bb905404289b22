import { mkdtempSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cofw29, createRandom, type Face } from "@acr/core";
import { openCofw, writeCofw } from "./index.js";

const folder = () => mkdtempSync(join(tmpdir(), "acr cofw "));
function face(i: number, grey = false): Face {
  const random = createRandom(i);
  const [width, height] = [20 + i, 33 - i];
  const data = Uint8Array.from({ length: width * height * 3 }, () => random.integer(256));
  if (grey) for (let p = 0; p < data.length; p += 3) data.fill(data[p]!, p, p + 3);
  return {
    id: `${i}`,
    image: { width, height, data },
    // Multiples of 1/1024 are exact in one-based doubles.
    landmarks: Float64Array.from({ length: 58 }, () => random.integer(40000) / 1024),
    visible: Uint8Array.from({ length: 29 }, () => random.integer(2)),
    box: [1, 2.5, 15 + i, 30],
    scheme: cofw29,
    tags: {},
  };
}

describe("writeCofw(file, faces)", () => {
  it.each(["train", "test"] as const)("is read back by openCofw exactly, %s", async (split) => {
    const file = join(folder(), `COFW_${split}_color.mat`);
    const faces = [face(0), face(1, true), face(2)];
    await writeCofw(file, faces, { split, grey: true });
    expect(await readdir(join(file, ".."))).toHaveLength(1);
    expect(readFileSync(file).subarray(0, 10).toString()).toBe("MATLAB 7.3");
    const opened = await openCofw({ [split]: file, split });
    expect(opened.length).toBe(3);
    for (const [i, written] of faces.entries()) {
      const { image, landmarks, visible, box } = await opened.get(i);
      expect({ image, landmarks, visible, box }).toEqual({
        image: written.image,
        landmarks: written.landmarks,
        visible: written.visible,
        box: written.box,
      });
    }
    opened.close();
  });

  it("refuses what is no COFW face and leaves no file", async () => {
    const file = join(folder(), "bad.mat");
    await expect(writeCofw(file, [])).rejects.toThrow("writeCofw: faces must hold at least one");
    await expect(writeCofw(file, [{ ...face(0), landmarks: [1, 2] }])).rejects.toThrow(
      "writeCofw: face 0 (0): expected 29 landmarks; got 1.",
    );
    const { width } = face(0).image;
    await expect(
      writeCofw(file, [{ ...face(0), image: { width, height: 0, data: new Uint8Array() } }]),
    ).rejects.toThrow("image must be width");
    await expect(writeCofw(file, [face(0)], { split: "val" as never })).rejects.toThrow('must be "train" or "test"');
    expect(await readdir(join(file, ".."))).toEqual([]);
  });
});
