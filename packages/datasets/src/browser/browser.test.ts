import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AugmentationDraw, createRandom, type Random } from "@acr/core";
import { findChromium, runPage } from "@acr/testing";
import { build } from "esbuild";
import { Jimp } from "jimp";
import sharp from "sharp";
import { type Batch, createBatches, createLoader, openPoints, writeJson, writePts } from "../index.js";

const SIZE = { batchSize: 4, imageSize: 24 };

/** Turns, mirrors and brightens; its text goes into the page. */
function draw(random: Random): AugmentationDraw {
  const angle = random.uniform(-0.5, 0.5);
  const add = random.integer(40);
  const flip = random.chance();
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  return {
    geometry: flip ? [-c, s, 0.02, s, c, 0] : [c, -s, 0.02, s, c, 0],
    mirrored: flip,
    photometric: (image) => {
      for (let i = 0; i < image.data.length; i++) image.data[i] = Math.min(255, image.data[i]! + add);
    },
  };
}

/** What the page finds; it runs in Chromium. */
const PAGE = `
import { createBatches, createLoader, openFiles, readImage } from "./browser.ts";
const SIZE = ${JSON.stringify(SIZE)};
const plain = (batch) => ({ ...batch, images: [...batch.images], landmarks: [...batch.landmarks], visible: [...batch.visible], mirrored: [...batch.mirrored] });
const collect = async (batches) => { const all = []; for await (const batch of batches) all.push(plain(batch)); return all; };
const message = async (run) => { try { await run(); return "no error"; } catch (error) { return error.message; } };
try {
  const names = await (await fetch("/names.json")).json();
  const file = async (name) => new File([await (await fetch("/faces/" + name)).blob()], name);
  const files = await Promise.all(names.map(file));
  const faces = await openFiles({ files, scheme: "cofw29" });
  const augment = { name: "test", options: {}, draw: ${draw} };
  const loader = createLoader(faces, { ...SIZE, augment, seed: 5 });
  const found = {
    batches: await collect(createBatches(faces, SIZE)),
    byAddress: await collect(createBatches(await openFiles({ files: names.map((name) => "/faces/" + name), scheme: "cofw29" }), SIZE)),
    epoch: await collect(loader.epoch(1)),
  };
  const picture = files.find(({ name }) => name === "face0.png");
  const cut = new File([(await picture.arrayBuffer()).slice(0, 200)], picture.name);
  const broken = files.map((one) => (one === picture ? cut : one));
  const faults = [];
  const skipping = createBatches(await openFiles({ files: broken, scheme: "cofw29" }), { ...SIZE, skipFaulty: true, onFault: (fault) => faults.push(fault) });
  found.skipped = { ids: (await collect(skipping)).flatMap(({ ids }) => ids), faults };
  found.messages = [
    await message(() => openFiles({ files: [] })),
    await message(() => openFiles({ files: [files[0], files[0]] })),
    await message(() => openFiles({ files: files.slice(0, 1), scheme: "cofw29" })),
    await message(() => openFiles({ files })),
    await message(() => readImage("/faces/absent.png")),
    await message(() => readImage(cut)),
    await message(() => readImage(new File(["text"], "text.png"))),
    await message(() => createLoader(faces, { ...SIZE, workers: 2 })),
    await message(() => faces.get(99)),
  ];
  const before = await readImage(picture);
  delete globalThis.createImageBitmap;
  delete globalThis.OffscreenCanvas;
  const after = await readImage(picture);
  found.fallback = { size: [after.width, after.height], same: before.data.every((value, i) => value === after.data[i]) };
  await fetch("/", { method: "POST", body: JSON.stringify(found) });
} catch (error) {
  await fetch("/", { method: "POST", body: JSON.stringify({ error: error.stack }) });
}
`;

type Plain = { [Key in keyof Batch]: Batch[Key] extends Uint8Array | Float32Array ? number[] : Batch[Key] };
interface Found {
  error?: string;
  batches: Plain[];
  byAddress: Plain[];
  epoch: Plain[];
  skipped: { ids: string[]; faults: { file: string; message: string }[] };
  messages: string[];
  fallback: { size: number[]; same: boolean };
}

const browser = findChromium();
const inBrowser = browser ? it : it.skip;
let root: string;
let found: Found;

/** Eight faces: PNG and JPEG, grey and turned by EXIF ones among them. */
async function makeFaces(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "acr browser "));
  for (let i = 0; i < 8; i++) {
    const random = createRandom(i);
    const [width, height] = [70 + i, 90 - i];
    const image = new Jimp({ width, height });
    for (let p = 0; p < width * height; p++)
      image.bitmap.data.set(
        [128 + 90 * Math.sin((p % width) / 9), 2 * Math.floor(p / width), 200 - 2 * (p % width), 255],
        4 * p,
      );
    const png = await image.getBuffer("image/png");
    const path = join(folder, `face${i}`);
    if (i % 2 === 0) writeFileSync(`${path}.png`, png);
    else if (i === 3) await sharp(png).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toFile(`${path}.jpg`);
    else if (i === 5) await sharp(png).greyscale().jpeg({ quality: 95 }).toFile(`${path}.jpg`);
    else await sharp(png).jpeg({ quality: 95 }).toFile(`${path}.jpg`);
    const landmarks = Float64Array.from({ length: 58 }, () => random.uniform(20, 60));
    if (i === 2) await writePts(`${path}.pts`, landmarks);
    else
      await writeJson(`${path}.json`, {
        landmarks,
        visible: Uint8Array.from({ length: 29 }, () => random.integer(2)),
        box: [15, 17.5, 55 + i, 60],
      });
  }
  return folder;
}

beforeAll(async () => {
  if (!browser) return;
  root = await makeFaces();
  const source = join(__dirname, "..");
  const { outputFiles } = await build({
    stdin: { contents: PAGE, resolveDir: source, loader: "js" },
    bundle: true,
    write: false,
    format: "esm",
    // A browser has no node: modules, so a stray import of one would fail here.
    platform: "browser",
    logLevel: "silent",
  });
  found = (await runPage(browser, (path: string) => {
    if (path === "/bundle.js") return outputFiles[0]!.contents;
    if (path === "/names.json") return JSON.stringify(readdirSync(root));
    const name = readdirSync(root).find((file) => path === `/faces/${file}`);
    return name === undefined ? undefined : readFileSync(join(root, name));
  })) as Found;
  if (found.error) throw new Error(found.error);
});

const collect = async (batches: AsyncIterable<Batch>) => {
  const all: Batch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
};
/** Labels are equal; crops of PNGs too, those of JPEGs within two levels on average, for their decoders differ. */
function expectAlike(there: readonly Plain[], here: readonly Batch[]) {
  expect(there).toHaveLength(here.length);
  here.forEach((batch, b) => {
    const { images, ...labels } = there[b]!;
    const { images: ours, landmarks, visible, mirrored, ...rest } = batch;
    expect(labels).toEqual({ ...rest, landmarks: [...landmarks], visible: [...visible], mirrored: [...mirrored] });
    const length = ours.length / batch.size;
    for (let i = 0; i < batch.size; i++) {
      const differences = Array.from(ours.subarray(i * length, (i + 1) * length), (value, k) =>
        Math.abs(value - images[i * length + k]!),
      );
      const isPng = batch.indices[i]! % 2 === 0;
      expect(differences.reduce((sum, value) => sum + value, 0) / length).toBeLessThanOrEqual(isPng ? 0 : 2);
      expect(Math.max(...differences)).toBeLessThanOrEqual(isPng ? 0 : 16);
    }
  });
}

describe("in Chromium", () => {
  inBrowser("openFiles and createBatches give the batches of openPoints in Node", async () => {
    const faces = await openPoints({ root, scheme: "cofw29" });
    expectAlike(found.batches, await collect(createBatches(faces, { ...SIZE, workers: 0 })));
    expect(found.byAddress).toEqual(found.batches);
  });

  inBrowser("createLoader draws the order and augmentation of Node for the same seed", async () => {
    const faces = await openPoints({ root, scheme: "cofw29" });
    const augment = { name: "test", options: {}, draw };
    const loader = createLoader(faces, { ...SIZE, augment, seed: 5, workers: 0 });
    expectAlike(found.epoch, await collect(loader.epoch(1)));
  });

  inBrowser("skipFaulty leaves out a picture that is cut short, and names it", () => {
    expect(found.skipped.ids).toEqual([1, 2, 3, 4, 5, 6, 7].map((i) => `face${i}`));
    expect(found.skipped.faults).toEqual([{ file: "face0.png", message: expect.stringContaining("cut short") }]);
  });

  inBrowser("bad input is refused with the name of the file", () => {
    expect(found.messages).toEqual([
      expect.stringContaining("openFiles: files must hold pictures (.jpg, .png) with label files"),
      'openFiles: files must have different names; got "face0.json" twice.',
      expect.stringContaining("face0.json: has no picture face0.jpg or .png beside it"),
      expect.stringContaining("face0.json: expected 68 points; got 29."),
      "absent.png: cannot be fetched: the server answered 404.",
      expect.stringMatching(/^face0\.png: .*cut short/),
      expect.stringContaining("text.png: is neither a JPEG nor a PNG"),
      "createLoader: workers is for Node; the browser decodes by itself. Leave it out.",
      "openFiles: index must be an integer in [0, 8); got 99.",
    ]);
  });

  inBrowser("readImage gives the same without createImageBitmap", () => {
    expect(found.fallback).toEqual({ size: [70, 90], same: true });
  });
});
