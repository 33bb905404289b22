import { createHash } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { goldenFolder } from "@acr/testing";
import { openCofw } from "./index.js";

const golden = goldenFolder("cofw");
const describeGolden = golden ? describe : describe.skip;

interface Expected {
  files: {
    split: "train" | "test";
    count: number;
    faces: {
      width: number;
      height: number;
      sha256Rgb: string;
      landmarks: number[];
      occluded: number[];
      boxOneBased: number[];
    }[];
  }[];
}

describeGolden("openCofw on files in the layout of COFW", () => {
  it.each(["train", "test"] as const)("gives the exact pixels, points, occlusion and boxes of %s", async (split) => {
    const { faces: expected, count } = (
      JSON.parse(readFileSync(join(golden!, "expected.json"), "utf8")) as Expected
    ).files.find((file) => file.split === split)!;
    const faces = await openCofw({ root: golden!, split });
    try {
      expect(faces.length).toBe(count);
      for (let i = 0; i < count; i++) {
        const { image, landmarks, visible, box } = await faces.get(i);
        const { width, height, sha256Rgb, boxOneBased, ...labels } = expected[i]!;
        expect([image.width, image.height]).toEqual([width, height]);
        expect(createHash("sha256").update(image.data).digest("hex")).toBe(sha256Rgb);
        Array.from(landmarks).forEach((value, j) => expect(value).toBeCloseTo(labels.landmarks[j]!, 9));
        expect(Array.from(visible!, (flag) => 1 - flag)).toEqual(labels.occluded);
        const [x, y, w, h] = boxOneBased as [number, number, number, number];
        expect(box).toEqual([x - 1, y - 1, x - 1 + w, y - 1 + h]);
      }
    } finally {
      faces.close();
    }
  });

  it("names a file that is cut short, in one line", async () => {
    const root = mkdtempSync(join(tmpdir(), "acr cofw "));
    const bytes = readFileSync(join(golden!, "COFW_test_color.mat"));
    for (const share of [0.3, 0.9]) {
      writeFileSync(join(root, "COFW_test_color.mat"), bytes.subarray(0, Math.floor(bytes.length * share)));
      await expect(openCofw({ root, split: "test" })).rejects.toThrow(/COFW_test_color\.mat: .*(damaged|found none)/);
    }
    copyFileSync(join(golden!, "expected.json"), join(root, "COFW_test_color.mat"));
    await expect(openCofw({ root, split: "test" })).rejects.toThrow("is no MATLAB 7.3 (HDF5) file");
  });
});

it("openCofw says which file it misses", async () => {
  await expect(openCofw({})).rejects.toThrow("openCofw: give root, or train, the file COFW_train_color.mat.");
  await expect(openCofw({ root: "/nowhere", split: "test" })).rejects.toThrow(
    'file "/nowhere/COFW_test_color.mat" does not exist',
  );
  await expect(openCofw({ root: ".", split: "val" as never })).rejects.toThrow(
    'split must be "train" or "test"; got val',
  );
});
