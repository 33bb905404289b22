import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRandom } from "@acr/core";
import { Jimp, type JimpInstance } from "jimp";
import { readImage } from "./index.js";
import { DecodePool } from "./internal/decode-pool.js";
import { createImageDecoder } from "./internal/image-decoder.js";
import { imageFileFault } from "./internal/image-file-fault.js";

const folder = mkdtempSync(join(tmpdir(), "acr images "));
const store = (name: string, bytes: Uint8Array) => {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  return file;
};

/** Left red, right blue, with some texture so that the JPEG has data worth cutting. */
function picture(width = 64, height = 48): JimpInstance {
  const random = createRandom(1);
  const image = new Jimp({ width, height });
  for (let i = 0; i < width * height; i++) {
    const x = i % width;
    image.bitmap.data.set([x < width / 2 ? 230 : 20, random.integer(20), x < width / 2 ? 20 : 230, 255], 4 * i);
  }
  return image as unknown as JimpInstance;
}
const jpeg = async () => new Uint8Array(await picture().getBuffer("image/jpeg"));
const png = async () => new Uint8Array(await picture().getBuffer("image/png"));
const redAt = ({ width, data }: { width: number; data: ArrayLike<number> }, x: number, y: number) =>
  data[(y * width + x) * 3]!;

it("readImage decodes a PNG exactly and a JPEG closely", async () => {
  const { bitmap } = picture();
  const exact = await readImage(store("a.png", await png()));
  expect(exact.data).toHaveLength(64 * 48 * 3);
  for (let i = 0; i < 64 * 48; i++) expect(exact.data[3 * i + 1]).toBe(bitmap.data[4 * i + 1]);
  const close = await readImage(store("a.jpg", await jpeg()));
  expect(redAt(close, 5, 20)).toBeGreaterThan(200);
  expect(redAt(close, 60, 20)).toBeLessThan(50);
});

it("readImage turns a picture upright by its EXIF orientation", async () => {
  // APP1 with one entry: tag 0x0112 (orientation), type short, value 6 (turn clockwise to view).
  const exif = [
    0xff, 0xe1, 0, 34, 0x45, 0x78, 0x69, 0x66, 0, 0, 0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0,
    6, 0, 0, 0, 0, 0, 0,
  ];
  const bytes = await jpeg();
  const image = await readImage(
    store("turned.jpg", Uint8Array.from([...bytes.subarray(0, 2), ...exif, ...bytes.subarray(2)])),
  );
  expect([image.width, image.height]).toEqual([48, 64]);
  expect(redAt(image, 20, 5)).toBeGreaterThan(200);
  expect(redAt(image, 20, 60)).toBeLessThan(50);
});

it("a whole JPEG with data appended, as phones do, is no fault", async () => {
  const file = store("trailer.jpg", Uint8Array.from([...(await jpeg()), ...Buffer.from("SEFT trailer of a camera")]));
  expect(imageFileFault(file)).toBeUndefined();
  expect((await readImage(file)).width).toBe(64);
});

it.each([0.2, 0.5, 0.9, 0.999])(
  "a JPEG cut at %p of its length is found by its ends, and refused even with a forged end",
  async (share) => {
    const bytes = await jpeg();
    const cut = bytes.subarray(0, Math.floor(bytes.length * share));
    expect(imageFileFault(store("cut.jpg", cut))).toMatch(/the JPEG is cut short/);
    await expect(readImage(store("cut.jpg", cut))).rejects.toThrow(/cut\.jpg: the JPEG is cut short/);
    // libvips does not notice damage in the last rows.
    if (share < 0.6)
      await expect(readImage(store("forged.jpg", Uint8Array.from([...cut, 0xff, 0xd9])))).rejects.toThrow(
        /forged\.jpg: /,
      );
  },
);

it("a PNG cut short, an empty file, text and a claim of 10 gigapixels are refused", async () => {
  const bytes = await png();
  const huge = Uint8Array.from(bytes);
  huge.set([0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0], 16);
  await expect(readImage(store("cut.png", bytes.subarray(0, bytes.length - 20)))).rejects.toThrow(
    "the PNG is cut short",
  );
  await expect(readImage(store("huge.png", huge))).rejects.toThrow(
    "has 100000 x 100000 pixels; expected at most 100 megapixels",
  );
  await expect(readImage(store("empty.jpg", new Uint8Array()))).rejects.toThrow("is empty");
  await expect(readImage(store("text.jpg", Buffer.from("hello")))).rejects.toThrow("neither a JPEG nor a PNG");
  await expect(readImage(join(folder, "absent.jpg"))).rejects.toThrow(/absent\.jpg: cannot be read/);
});

it("damaged bytes never crash, hang or give another kind of error", async () => {
  const random = createRandom(7);
  for (const [name, bytes] of [
    ["fuzz.jpg", await jpeg()],
    ["fuzz.png", await png()],
  ] as const) {
    for (let i = 0; i < 60; i++) {
      const damaged = Uint8Array.from(bytes);
      for (let n = 0; n < 3; n++) damaged[random.integer(damaged.length)] = random.integer(256);
      const outcome = await readImage(store(name, damaged)).catch((error: { code?: string }) => error.code);
      expect(typeof outcome === "object" || outcome === "ACR_DATA_FORMAT").toBe(true);
    }
  }
});

it("threads decode to the same pixels, and one bad picture does not stop the next", async () => {
  const good = store("thread.jpg", await jpeg());
  const bytes = await jpeg();
  const bad = store("bad.jpg", Uint8Array.from([...bytes.subarray(0, bytes.length >> 1), 0xff, 0xd9]));
  const pool = new DecodePool(2);
  try {
    const [first, fault, second] = await Promise.all([
      pool.decode(good),
      pool.decode(bad).catch((error: Error) => error.message),
      pool.decode(good),
    ]);
    const here = await (await createImageDecoder("jimp")).decode(await jpeg());
    expect([...(first as typeof here).data]).toEqual([...here.data]);
    expect(fault).toMatch(/bad\.jpg: cannot be decoded/);
    expect([...(second as typeof here).data]).toEqual([...here.data]);
  } finally {
    await pool.close();
  }
});
