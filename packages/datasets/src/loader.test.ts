import { mkdtempSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as zlib from "node:zlib";
import {
  type Augmentation,
  applyAffine,
  applyPixelChanges,
  crc32,
  createRandom,
  type FaceDataset,
  getLandmarkScheme,
  invertAffine,
} from "@acr/core";
import { childProcesses } from "@acr/testing";
import { Jimp } from "jimp";
import {
  type Batch,
  createBatches,
  createLoader,
  type Loader,
  openPoints,
  openPrepared,
  prepareDataset,
  writeJson,
} from "./index.js";

const { runNode } = childProcesses();

/** An augmentation that threads build from a file of its own, as `@acr/augment` does. */
const program = (body: string, defer = "") => {
  const file = join(mkdtempSync(join(tmpdir(), "acr augmentation ")), "augmentation.cjs");
  writeFileSync(
    file,
    `exports.createAugmentation = ({ options }) => ({ name: "test", options, draw(random) {
      const angle = random.uniform(-0.5, 0.5), add = random.integer(40), flip = random.chance();
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      return {
        geometry: flip ? [-c, s, 0.02, s, c, 0] : [c, -s, 0.02, s, c, 0],
        mirrored: flip,
        photometric: Object.assign((image) => { ${body} }, ${defer ? `{ defer: (image) => { ${defer} } }` : "{}"}),
      };
    } });`,
  );
  const { createAugmentation } = require(file) as { createAugmentation(record: object): Augmentation };
  const augmentation = createAugmentation({ options: {} });
  return { inThreads: { ...augmentation, module: () => file }, here: augmentation };
};
const ADD = "for (let i = 0; i < image.data.length; i++) image.data[i] = Math.min(255, image.data[i] + add);";

const COUNT = 11;
async function makeFaces(): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), "acr loader "));
  for (let i = 0; i < COUNT; i++) {
    const random = createRandom(i);
    const [width, height] = [70 + i, 90 - i];
    const image = new Jimp({ width, height });
    for (let p = 0; p < width * height; p++) {
      const x = p % width;
      image.bitmap.data.set([3 * x, random.integer(30) + 2 * Math.floor(p / width), 200 - 2 * x, 255], 4 * p);
    }
    await image.write(join(root, `face${i}.${i % 2 ? "png" : "jpg"}`) as `${string}.png`);
    await writeJson(join(root, `face${i}.json`), {
      landmarks: Float64Array.from({ length: 58 }, () => random.uniform(20, 60)),
      visible: Uint8Array.from({ length: 29 }, () => random.integer(2)),
      box: [15, 17.5, 55 + i, 60],
    });
  }
  return root;
}
let root: string;
let faces: FaceDataset;
beforeAll(async () => {
  root = await makeFaces();
  faces = await openPoints({ root, scheme: "cofw29" });
});

async function collect(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const all: Batch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}
async function twoEpochs(loader: Loader): Promise<Batch[]> {
  const all = [...(await collect(loader.epoch(0))), ...(await collect(loader.epoch(1)))];
  await loader.close();
  return all;
}

describe("createLoader gives identical batches", () => {
  const options = { batchSize: 4, imageSize: 24, seed: 5, dropRemainder: false };
  let expected: Batch[];
  beforeAll(async () => {
    expected = await twoEpochs(createLoader(faces, { ...options, augment: program(ADD).here, workers: 0 }));
  });

  it.each([0, 1, 4])("with %p threads that draw the augmentation", async (workers) => {
    const { inThreads } = program(ADD);
    expect(await twoEpochs(createLoader(faces, { ...options, augment: inThreads, workers }))).toEqual(expected);
  });

  it("with threads that cannot build the augmentation", async () => {
    expect(await twoEpochs(createLoader(faces, { ...options, augment: program(ADD).here, workers: 2 }))).toEqual(
      expected,
    );
  });

  it.each([
    [0, "inThreads"],
    [2, "inThreads"],
    [2, "here"],
  ] as const)("with %p threads and the last changes left to the device, drawn %s", async (workers, where) => {
    const levels = "Uint8Array.from({ length: 768 }, (_, i) => Math.min(255, (i & 255) + add))";
    // What a device cannot do comes first: here the first byte of a crop.
    const first = "image.data[0] ^= 5;";
    const augment = program(`${first} ${ADD}`, `${first} return { levels: ${levels} };`);
    const whole = await twoEpochs(createLoader(faces, { ...options, augment: augment.here, workers: 0 }));
    const parts = await twoEpochs(
      createLoader(faces, { ...options, augment: augment[where], workers, deferPixels: true }),
    );
    expect(parts.map(({ images }) => images)).not.toEqual(whole.map(({ images }) => images));
    const finished = parts.map(({ changes, ...batch }) => {
      applyPixelChanges(batch.images, changes!, { width: batch.imageSize, height: batch.imageSize });
      return batch;
    });
    expect(whole.every(({ changes }) => changes === undefined)).toBe(true);
    expect(finished).toEqual(whole);
  });

  it("with one decoder, here and in threads", async () => {
    const [here, there] = await Promise.all(
      [0, 2].map((workers) => collect(createBatches(faces, { batchSize: 4, imageSize: 24, decoder: "jimp", workers }))),
    );
    expect(there).toEqual(here);
    await expect(
      collect(createBatches(faces, { batchSize: 4, imageSize: 24, decoder: "jpeg" as never })),
    ).rejects.toThrow('decoder must be "sharp" or "jimp"; got jpeg');
  });

  it("without memory for stored crops, and with memory for some", async () => {
    for (const cacheMegabytes of [0, 0.01]) {
      const loader = createLoader(faces, { ...options, augment: program(ADD).inThreads, workers: 2, cacheMegabytes });
      expect(await twoEpochs(loader)).toEqual(expected);
      expect(loader.cache.bytes).toBeLessThanOrEqual(cacheMegabytes * 1e6);
    }
  });

  it("from a data set in memory", async () => {
    const all = await Promise.all(Array.from({ length: COUNT }, (_, i) => faces.get(i)));
    const inMemory: FaceDataset = {
      name: "memory",
      length: COUNT,
      scheme: faces.scheme,
      get: async (i) => all[i]!,
      async *[Symbol.asyncIterator]() {
        yield* all;
      },
    };
    const before = all.map(({ image }) => Uint8Array.from(image.data));
    const loader = createLoader(inMemory, { ...options, augment: program(ADD).inThreads, workers: 2 });
    expect(await twoEpochs(loader)).toEqual(expected);
    expect(all.map(({ image }) => Uint8Array.from(image.data))).toEqual(before);
  });

  it("in pieces, as a resumed run asks for them", async () => {
    const loader = createLoader(faces, { ...options, augment: program(ADD).inThreads, workers: 2 });
    expect(await collect(loader.epoch(1, { firstBatch: 2 }))).toEqual(expected.slice(5));
    await loader.close();
  });

  it("from a prepared file, whose maps start in its squares", async () => {
    const file = join(root, "..", `prepared ${process.pid}.acr`);
    const summary = await prepareDataset(faces, { file, imageSize: 24 });
    expect(summary).toEqual({ file, count: COUNT, bytes: statSync(file).size, rebuilt: true, faults: [] });
    const prepared = await openPrepared({ file });
    for (const workers of [0, 2]) {
      const augment = program(ADD).inThreads;
      const batches = await twoEpochs(createLoader(prepared, { ...options, augment, workers }));
      batches.forEach((batch, b) => {
        const { sourceToCentered, ...rest } = batch;
        const { sourceToCentered: maps, ...others } = expected[b]!;
        expect(rest).toEqual(others);
        sourceToCentered.forEach((map, i) => {
          // The same point, in the square and in the source.
          const face = batch.indices[i]!;
          const [a, e] = [prepared.describe(face).landmarks, (faces as typeof prepared).describe(face).landmarks];
          const [x, y] = [applyAffine(map, a), applyAffine(maps[i]!, e)];
          for (let q = 0; q < 58; q++) expect(x[q]).toBeCloseTo(y[q]!, 9);
        });
      });
    }
    const { image, landmarks, box, tags } = await prepared.get(2);
    expect([image.width, tags]).toEqual([34, { folder: "." }]);
    expect(Math.min(...Array.from(landmarks), ...box)).toBeGreaterThan(0);
  });
});

it("predictions go back to source pixels to 1e-3", async () => {
  for (const protocol of ["padded", "detector", "paper", "pipnet-300w"] as const) {
    const loader = createLoader(faces, {
      batchSize: 3,
      imageSize: 24,
      augment: program(ADD).here,
      protocol,
      workers: 0,
    });
    const { mirror } = getLandmarkScheme("cofw29");
    for await (const { landmarks, sourceToCentered, indices, mirrored } of loader.epoch(3)) {
      indices.forEach((index, i) => {
        const back = applyAffine(invertAffine(sourceToCentered[i]!), landmarks.subarray(58 * i, 58 * (i + 1)));
        const truth = (faces as Awaited<ReturnType<typeof openPoints>>).describe(index).landmarks;
        for (let k = 0; k < 29; k++) {
          const from = mirrored[i] ? mirror[k]! : k;
          for (const axis of [0, 1]) expect(Math.abs(back[2 * k + axis]! - truth[2 * from + axis]!)).toBeLessThan(1e-3);
        }
      });
    }
  }
});

describe("faulty pictures and threads", () => {
  const damage = async () => {
    const damaged = await makeFaces();
    const whole = readFileSync(join(damaged, "face4.jpg"));
    // Looks whole at its ends, so only decoding finds it.
    writeFileSync(join(damaged, "face4.jpg"), Buffer.concat([whole.subarray(0, 700), Buffer.from([0xff, 0xd9])]));
    return openPoints({ root: damaged, scheme: "cofw29" });
  };

  it.each([0, 2])("with %p threads one bad picture ends the pass, or is left out and named", async (workers) => {
    const bad = await damage();
    const options = { batchSize: 4, imageSize: 16, workers };
    await expect(collect(createBatches(bad, options))).rejects.toThrow(/face4\.jpg: cannot be decoded/);
    const faults: { file: string }[] = [];
    const batches = await collect(
      createBatches(bad, { ...options, skipFaulty: true, onFault: (fault) => faults.push(fault) }),
    );
    expect(batches.map(({ size }) => size)).toEqual([4, 3, 3]);
    expect(faults.map(({ file }) => file.split("/").at(-1))).toEqual(["face4.jpg"]);
    const { faults: skipped, count } = await prepareDataset(bad, {
      file: join(root, "..", `bad ${process.pid} ${workers}.acr`),
      imageSize: 16,
      skipFaulty: true,
      workers,
    });
    expect([count, skipped.length]).toEqual([10, 1]);
  });

  it("a face that kills its thread is named; the other faces arrive", async () => {
    // Ends the thread for one draw in five, by the face's own random numbers.
    const { inThreads } = program("if (add < 8) process.exit(1);");
    const doomedBy = (seed: number) =>
      Array.from({ length: COUNT }, (_, i) => i).filter((i) => {
        const random = createRandom(seed).fork("augment", 0, i);
        random.uniform();
        return random.integer(40) < 8;
      });
    const seed = [1, 2, 3, 4, 5, 6, 7, 8].find((candidate) => doomedBy(candidate).length === 2)!;
    const doomed = new Set(doomedBy(seed));
    expect(doomed.size).toBe(2);
    const faults: { file: string; message: string }[] = [];
    const loader = createLoader(faces, {
      batchSize: 3,
      imageSize: 16,
      seed,
      augment: inThreads,
      workers: 2,
      dropRemainder: false,
      skipFaulty: true,
      onFault: (fault) => faults.push(fault),
    });
    const batches = await collect(loader.epoch(0));
    await loader.close();
    expect(batches.flatMap(({ indices }) => indices).sort((a, b) => a - b)).toEqual(
      Array.from({ length: COUNT }, (_, i) => i).filter((i) => !doomed.has(i)),
    );
    expect(faults).toHaveLength(doomed.size);
    expect(faults[0]!.message).toMatch(/its thread ended/);
  }, 20_000);

  it("a module without createAugmentation is an error of the program, also with skipFaulty", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "acr module ")), "empty.cjs");
    writeFileSync(file, "");
    const augment = { ...program(ADD).here, module: () => file };
    const options = { batchSize: 2, imageSize: 16, augment, workers: 1, skipFaulty: true };
    await expect(collect(createBatches(faces, options))).rejects.toThrow(/createAugmentation is not a function/);
  });

  it("stopping early and closing leave no thread behind", async () => {
    const loader = createLoader(faces, { batchSize: 2, imageSize: 16, workers: 2 });
    for await (const { size } of loader.epoch(0)) {
      expect(size).toBe(2);
      break;
    }
    await loader.close();
    await expect(collect(loader.epoch(0)).then((batches) => batches.length)).resolves.toBe(5);
    await loader.close();
  });

  it("closing while threads work on faces lets the program go on behind it", async () => {
    // Node ends a program with code 13 where nothing keeps it alive while it awaits.
    const program = `
      import { createLoader, openPoints } from "@acr/datasets";
      const faces = await openPoints({ root: process.argv[1], scheme: "cofw29" });
      for (let i = 0; i < 5; i++) {
        const loader = createLoader(faces, { batchSize: 2, imageSize: 64, workers: 2 });
        for await (const batch of loader.epoch(0)) break;
        // The threads answer while the main one is busy; their messages arrive during the close.
        const until = Date.now() + 60;
        while (Date.now() < until);
        await loader.close();
      }
      console.log("went on");`;
    expect(await runNode(["--input-type=module", "-e", program, root], { cwd: __dirname })).toEqual({
      code: 0,
      out: "went on\n",
      err: "",
    });
  }, 20_000);
});

describe("prepareDataset / openPrepared", () => {
  it("keeps a file that fits and makes it anew when labels, pictures, size or protocol change", async () => {
    const own = await makeFaces();
    const file = join(own, "faces.acr");
    const prepare = async (options: object = {}) => {
      const dataset = await openPoints({ root: own, scheme: "cofw29" });
      return (await prepareDataset(dataset, { file, imageSize: 16, ...options })).rebuilt;
    };
    expect([await prepare(), await prepare()]).toEqual([true, false]);
    expect(await prepare({ force: true })).toBe(true);
    expect([await prepare({ imageSize: 20 }), await prepare({ imageSize: 20 })]).toEqual([true, false]);
    expect(await prepare({ protocol: "detector" })).toBe(true);
    expect(await prepare({ extent: "crop" })).toBe(true);
    utimesSync(join(own, "face0.jpg"), 1, 1);
    expect([await prepare({ extent: "crop" }), await prepare({ extent: "crop" })]).toEqual([true, false]);
    await writeJson(join(own, "face0.json"), { landmarks: new Float64Array(58).fill(3.5), box: [1, 1, 9, 9] });
    expect(await prepare({ extent: "crop" })).toBe(true);
    expect((await readdir(own)).filter((name) => name.includes(".tmp"))).toEqual([]);
  });

  it("names every kind of damage", async () => {
    const own = mkdtempSync(join(tmpdir(), "acr prepared "));
    const file = join(own, "faces.acr");
    await prepareDataset(faces, { file, imageSize: 16 });
    const whole = readFileSync(file);
    const flip = (bytes: Buffer, at: number) => void bytes.writeUInt8(bytes[at]! ^ 1, at);
    const broken = (change: (bytes: Buffer) => Buffer | undefined) => {
      const copy = Buffer.from(whole);
      writeFileSync(file, change(copy) ?? copy);
      return openPrepared({ file });
    };
    await expect(openPrepared({ file: join(own, "absent") })).rejects.toThrow("cannot be read");
    await expect(broken((bytes) => bytes.subarray(0, 20))).rejects.toThrow("is no prepared file");
    await expect(broken((bytes) => bytes.subarray(0, -5))).rejects.toThrow("is cut short or was changed");
    await expect(broken((bytes) => void bytes.writeUInt32LE(9, 8))).rejects.toThrow("has format version 9; expected 2");
    // A claim of many petabytes is not believed.
    await expect(broken((bytes) => void bytes.writeBigUInt64LE(1n << 60n, 24))).rejects.toThrow(
      "is cut short or was changed",
    );
    await expect(broken((bytes) => flip(bytes, bytes.length - 9))).rejects.toThrow("does not fit its checksum");
    const opened = await broken((bytes) => flip(bytes, 70));
    await expect(opened.get(0)).rejects.toThrow("holds other pixels at byte 64 than its checksum says");
    await expect(collect(createBatches(opened, { batchSize: 2, imageSize: 16 }))).rejects.toThrow("Prepare it again");
    // Damage is repaired by preparing again; a file of another kind is not touched.
    writeFileSync(file, whole.subarray(0, whole.length - 5));
    expect((await prepareDataset(faces, { file, imageSize: 16 })).rebuilt).toBe(true);
    writeFileSync(file, "my thesis");
    await expect(prepareDataset(faces, { file, imageSize: 16 })).rejects.toThrow("exists and is no prepared file");
    expect(readFileSync(file, "utf8")).toBe("my thesis");
  });

  it("crc32 is that of zlib", () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 37) & 255);
    expect(crc32(bytes)).toBe(zlib.crc32(bytes));
  });
});
