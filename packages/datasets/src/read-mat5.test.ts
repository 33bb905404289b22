import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dataFolder } from "@acr/testing";
import { open300W, openCofw68, writePts } from "./index.js";
import { type MatNumbers, readMat5 } from "./internal/read-mat5.js";

const { files } = JSON.parse(readFileSync(join(__dirname, "__fixtures__/mat5.json"), "utf8")) as {
  files: Record<string, string>;
};
const bytes = (name: string) => new Uint8Array(Buffer.from(files[name]!, "base64"));
const numbers = (values: number[], shape: number[]) => ({ kind: "numbers", shape, values: Float64Array.from(values) });

describe("readMat5(bytes), against files that SciPy wrote", () => {
  it("reads every kind of array in MATLAB's order", () => {
    const mixed = readMat5(bytes("mixed"), { file: "a.mat" });
    expect(Object.fromEntries(mixed)).toEqual({
      d: numbers([1.5, 3, 2, 4.25], [2, 2]),
      u8: numbers([0, 3, 1, 4, 2, 5], [2, 3]),
      i16: numbers([-3], [1, 1]),
      f32: numbers([0.5], [1, 1]),
      i64: numbers([2 ** 40], [1, 1]),
      text: { kind: "text", text: "häß" },
      c: { kind: "other" },
      s: {
        kind: "structs",
        shape: [1, 1],
        entries: [{ a: numbers([1], [1, 1]), b: { kind: "text", text: "x" } }],
      },
      empty: numbers([], [0, 0]),
      cube: expect.objectContaining({ shape: [2, 3, 4] }),
    });
    expect((mixed.get("cube") as MatNumbers).values[1]).toBe(12);
  });

  it("refuses other files, claims without room and damage", () => {
    const plain = bytes("boxes");
    expect(() => readMat5(new Uint8Array(10), { file: "a.mat" })).toThrow("a.mat: is no MATLAB 5 file");
    expect(() => readMat5(plain.subarray(0, 300), { file: "a.mat" })).toThrow(/a\.mat: an element claims \d+ bytes/);
    const huge = Uint8Array.from(plain);
    // The shape of the outer cell array: 1 x 3 becomes 1 x 500 million.
    new DataView(huge.buffer).setUint32(128 + 8 + 16 + 12, 500e6, true);
    expect(() => readMat5(huge, { file: "a.mat" })).toThrow("claims 500000000 elements; it has no room for them");
    const packed = bytes("boxesCompressed");
    packed[140]! ^= 0xff;
    expect(() => readMat5(packed, { file: "a.mat" })).toThrow("holds compressed data that are damaged");
  });
});

describe("open300W({ box: 'detector' })", () => {
  it.each(["boxes", "boxesCompressed"])("takes iBUG's bounding_boxes_*.mat before the CSV, %s", async (name) => {
    const root = mkdtempSync(join(tmpdir(), "acr boxes "));
    mkdirSync(join(root, "lfpw/testset"), { recursive: true });
    mkdirSync(join(root, "Bounding Boxes"));
    writeFileSync(join(root, "Bounding Boxes/bounding_boxes_lfpw_testset.mat"), bytes(name));
    // A PNG of 1 x 1 pixel; the reader looks at its ends only.
    const png = Buffer.from(
      "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
      "base64",
    );
    for (const face of ["image_0001", "image_0002"]) {
      writeFileSync(join(root, `lfpw/testset/${face}.png`), png);
      await writePts(
        join(root, `lfpw/testset/${face}.pts`),
        Array.from({ length: 136 }, (_, i) => i),
      );
    }
    const faces = await open300W({ root, split: "lfpw/testset", box: "detector" });
    expect(faces.describe(1).box).toEqual([10.5, 19.25, 110.5, 129.75]);
    writeFileSync(join(root, "lfpw/testset/other.png"), png);
    await writePts(
      join(root, "lfpw/testset/other.pts"),
      Array.from({ length: 136 }, (_, i) => i),
    );
    await expect(open300W({ root, split: "lfpw/testset", box: "detector" })).rejects.toThrow(
      /bounding_boxes_lfpw_testset\.mat: has no detector box for other/,
    );
  });

  const real = dataFolder("300w");
  (real ? it : it.skip)("reads the detector's boxes beside the real pictures", async () => {
    const faces = await open300W({ root: real!, split: "afw", box: "detector" });
    expect([faces.length, faces.describe(0).id]).toEqual([337, "afw/1051618982_1"]);
    expect(faces.describe(0).box).toEqual([82.101 - 1, 70.365 - 1, 233.94 - 1, 222.199 - 1]);
  });
});

describe("openCofw68", () => {
  const real = dataFolder("genuine/cofw68-benchmark/COFW68_Data");
  (real ? it : it.skip)("reads the 507 annotated faces, and says where pictures come from", async () => {
    const faces = await openCofw68({ root: real! });
    expect([faces.length, faces.scheme.id, faces.describe(0).id]).toEqual([507, "ibug68", "test/1"]);
    const { landmarks, visible, box } = faces.describe(0);
    expect(landmarks[0]).toBeCloseTo(57.00626102, 8);
    expect(landmarks[3]).toBeCloseTo(44.197508, 6);
    expect(visible).toHaveLength(68);
    expect(box).toEqual([63, 8, 183, 124]);
    await expect(faces.get(0)).rejects.toThrow("openCofw68: test must name COFW_test_color.mat");
  });

  it("names what is missing", async () => {
    const root = mkdtempSync(join(tmpdir(), "acr cofw68 "));
    await expect(openCofw68({ root })).rejects.toThrow(/test_annotations" does not exist/);
    mkdirSync(join(root, "test_annotations"));
    await expect(openCofw68({ root })).rejects.toThrow(/cofw68_test_bboxes\.mat: does not exist/);
    await expect(openCofw68({ root, box: "landmarks" })).rejects.toThrow("holds no files N_points.mat");
    writeFileSync(join(root, "test_annotations/1_points.mat"), bytes("boxes"));
    await expect(openCofw68({ root, box: "landmarks" })).rejects.toThrow(
      /1_points\.mat: Points: expected numbers of shape \[68, 2\]; got nothing/,
    );
  });
});
