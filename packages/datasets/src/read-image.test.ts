import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRandom } from "@acr/core";
import { Jimp, type JimpInstance } from "jimp";
import { readImage as readImageWith } from "./index.js";
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

describe.each(["jimp", "sharp"] as const)("readImage with %s", (decoder) => {
  const readImage = (file: string) => readImageWith(file, { decoder });

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
      0xff, 0xe1, 0, 34, 0x45, 0x78, 0x69, 0x66, 0, 0, 0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1,
      0, 6, 0, 0, 0, 0, 0, 0,
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
      if (share < (decoder === "jimp" ? 0.95 : 0.6))
        await expect(readImage(store("forged.jpg", Uint8Array.from([...cut, 0xff, 0xd9])))).rejects.toThrow(
          /forged\.jpg: /,
        );
    },
  );

  it("a folder named like a picture is a fault", () => {
    expect(imageFileFault(folder)).toMatch(/is a folder or no plain file; expected a JPEG or PNG/);
  });

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
    const claims = Uint8Array.from(await jpeg());
    const frame = claims.findIndex((byte, i) => byte === 0xff && claims[i + 1] === 0xc0);
    claims.set([0x20, 0, 0x20, 0], frame + 5);
    await expect(readImage(store("claims.jpg", claims))).rejects.toThrow(
      `claims 8192 x 8192 pixels, more than its ${claims.length} bytes can hold`,
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

  it("readImage reads grey, alpha, 16-bit and CMYK pictures", async () => {
    // sharp writes them, so that neither decoder reads its own work only.
    const { width, height, bitmap } = picture();
    const { default: sharp } = await import("sharp");
    const base = () => sharp(Buffer.from(bitmap.data), { raw: { width, height, channels: 4 } });
    const store16 = async () => {
      const deep = Uint16Array.from(bitmap.data, (value) => value * 257);
      return sharp(deep, { raw: { width, height, channels: 4 } })
        .toColourspace("rgb16")
        .png()
        .toBuffer();
    };
    const kinds = {
      "alpha.png": await base().png().toBuffer(),
      "deep.png": await store16(),
      "cmyk.jpg": await base().toColourspace("cmyk").jpeg({ quality: 100 }).toBuffer(),
    };
    for (const [name, bytes] of Object.entries(kinds)) {
      const image = await readImage(store(name, bytes));
      expect([name, image.width, image.height, image.data.length]).toEqual([name, 64, 48, 64 * 48 * 3]);
      expect(redAt(image, 5, 20)).toBeGreaterThan(190);
      expect(redAt(image, 60, 20)).toBeLessThan(70);
    }
    for (const [name, grey] of [
      ["grey.png", await base().removeAlpha().greyscale().png().toBuffer()],
      ["grey.jpg", await base().removeAlpha().greyscale().jpeg().toBuffer()],
    ] as const) {
      const { data } = await readImage(store(name, grey));
      expect(data).toHaveLength(64 * 48 * 3);
      for (let i = 0; i < data.length; i += 3) expect(data[i] === data[i + 1] && data[i] === data[i + 2]).toBe(true);
    }
  });
});
