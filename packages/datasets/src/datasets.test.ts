import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyAffine, type Face, type FaceDataset, ibug68, invertAffine, type RgbImage } from "@acr/core";
import { dataFolder } from "@acr/testing";
import { Jimp } from "jimp";
import {
  createBatches,
  createLoader,
  inspectDataset,
  open300W,
  openPoints,
  parsePts,
  readPts,
  writePts,
} from "./index.js";

const shape = Float64Array.from({ length: 136 }, (_, i) => 40 + 30 * Math.sin(i * 2.3) + (i % 2) * 5);
const folder = () => mkdtempSync(join(tmpdir(), "acr datasets "));

async function writeFace(root: string, name: string, size = 100): Promise<void> {
  await new Jimp({ width: size, height: size, color: 0x3366ccff }).write(join(root, `${name}.png`) as `${string}.png`);
  await writePts(join(root, `${name}.pts`), shape);
}

describe("readPts / writePts", () => {
  it("round-trips exactly and reads CRLF and a byte-order mark", async () => {
    const file = join(folder(), "a.pts");
    await writePts(file, [10.5, 20.25, -3, 4]);
    expect([...(await readPts(file))]).toEqual([10.5, 20.25, -3, 4]);
    const text = readFileSync(file, "utf8").replaceAll("\n", "\r\n");
    expect([...parsePts(`\uFEFF${text}`, { file })]).toEqual([10.5, 20.25, -3, 4]);
  });

  it.each([
    ["version: 1\n{\n1 2\n", /a\.pts:4: expected a line "}"/],
    ["version: 1\n1 2\n", /a\.pts:1: expected a line "{"/],
    ["{\n1 NaN\n}", /a\.pts:2: expected two finite numbers; got "1 NaN"/],
    ["{\n1 2 3\n}", /a\.pts:2: expected two finite numbers/],
    ["n_points: 2\n{\n1 2\n}", /a\.pts:4: n_points says 2, but there are 1 points/],
    ["{\n1 2\n}", /a\.pts:3: expected 68 points; got 1/],
    ["{\n1e300 2\n}", /a\.pts:2: expected two finite numbers/],
  ])("names file and line of a fault (%#)", (text, message) => {
    expect(() => parsePts(text, { file: "a.pts", landmarkCount: 68 })).toThrow(message);
  });
});

describe("openPoints / open300W / inspectDataset", () => {
  it("finds every kind of fault, refuses to open, and skips on demand", async () => {
    const root = folder();
    await writeFace(root, "good");
    await writeFace(root, "cut");
    const cut = readFileSync(join(root, "cut.png"));
    writeFileSync(join(root, "cut.png"), cut.subarray(0, cut.length - 6));
    await writePts(join(root, "alone.pts"), shape);
    writeFileSync(join(root, "unlabelled.jpg"), "x");
    await writeFace(root, "short");
    await writePts(join(root, "short.pts"), shape.slice(0, 4));
    await writeFace(root, "folder");
    rmSync(join(root, "folder.pts"));
    mkdirSync(join(root, "folder.pts"));
    const { count, faults } = await inspectDataset({ dataset: "points", root });
    expect(count).toBe(1);
    expect(faults.map(({ file }) => file.split("/").at(-1)).sort()).toEqual([
      "alone.pts",
      "cut.png",
      "folder.pts",
      "short.pts",
      "unlabelled.jpg",
    ]);
    await expect(openPoints({ root })).rejects.toThrow(/has no picture .*And 4 more faults/);
    const faces = await openPoints({ root, skipFaulty: true });
    expect([faces.length, faces.skipped]).toEqual([1, 5]);
    expect((await faces.get(0)).image.width).toBe(100);
  });

  it.each([
    [(root: string) => openPoints({ root: join(root, "nowhere") }), /root ".*nowhere" does not exist/],
    [(root: string) => openPoints({ root }), /no pictures with landmark files \(.pts, .json\) found/],
    [(root: string) => open300W({ root, split: "train" }), /folder ".*afw" does not exist/],
    [(root: string) => open300W({ root, split: "../.." }), /must lie inside root/],
  ])("names what is missing (%#)", async (run, message) => {
    await expect(run(folder())).rejects.toThrow(message);
  });

  const real = dataFolder("300w");
  (real ? it : it.skip)("opens the real 300-W training faces", async () => {
    const warnings: string[] = [];
    const faces = await open300W({ root: real!, onWarning: (message) => warnings.push(message) });
    expect(faces.length).toBe(2012);
    expect(warnings).toEqual([expect.stringContaining("300-W train is short: 2012 of 3148 faces")]);
    const { image, landmarks } = await faces.get(0);
    expect(image.data).toHaveLength(image.width * image.height * 3);
    expect(landmarks).toHaveLength(136);
  });

  it("opens the folders of a named 300-W split", async () => {
    const root = folder();
    for (const part of ["helen/testset", "lfpw/testset"]) {
      mkdirSync(join(root, part), { recursive: true });
      await writeFace(join(root, part), "a");
    }
    const faces = await open300W({ root, split: "common", onWarning: () => {} });
    expect((await faces.get(1)).id).toBe("lfpw/testset/a");
  });
});

/** Faces on a ramp whose grey level tells where a pixel came from: red grows by column, green by row. */
function ramps(count: number): FaceDataset {
  const image: RgbImage = { width: 120, height: 120, data: new Uint8Array(120 * 120 * 3) };
  for (let y = 0; y < 120; y++) for (let x = 0; x < 120; x++) image.data.set([2 * x, 2 * y, 0], (y * 120 + x) * 3);
  const get = async (i: number): Promise<Face> => {
    const landmarks = shape.map((value) => value + i);
    return { id: `${i}`, image, landmarks, box: [20 + i, 25 + i, 80 + i, 85 + i], scheme: ibug68, tags: {} };
  };
  return {
    name: "ramps",
    length: count,
    scheme: ibug68,
    get,
    async *[Symbol.asyncIterator]() {
      for (let i = 0; i < count; i++) yield get(i);
    },
  };
}

describe("createBatches / createLoader", () => {
  it("puts pixels and landmarks where the map says, and maps back to source pixels", async () => {
    for await (const { images, landmarks, sourceToCentered, size } of createBatches(ramps(5), {
      batchSize: 2,
      imageSize: 48,
    })) {
      for (let i = 0; i < size; i++) {
        const toSource = invertAffine(sourceToCentered[i]!);
        for (const [column, row] of [
          [10, 20],
          [30, 7],
          [47, 47],
        ] as const) {
          const [x, y] = applyAffine(toSource, [(column + 0.5) / 48 - 0.5, (row + 0.5) / 48 - 0.5]);
          const at = ((i * 48 + row) * 48 + column) * 3;
          expect(Math.abs(images[at]! - 2 * x!)).toBeLessThanOrEqual(1);
          expect(Math.abs(images[at + 1]! - 2 * y!)).toBeLessThanOrEqual(1);
        }
        const back = applyAffine(toSource, landmarks.subarray(i * 136, i * 136 + 2));
        const moved = back[0]! - shape[0]!;
        expect(Math.abs(moved - Math.round(moved))).toBeLessThan(1e-3);
      }
    }
  });

  it("gives the same batches for the same seed, others for another epoch, and resumes in the middle", async () => {
    const collect = async (seed: number, epoch: number, firstBatch = 0) => {
      const batches = [];
      for await (const { indices, images } of createLoader(ramps(7), { batchSize: 2, imageSize: 32, seed }).epoch(
        epoch,
        { firstBatch },
      )) {
        batches.push({ indices, sum: images.reduce((total, value) => total + value, 0) });
      }
      return batches;
    };
    expect(await collect(1, 0)).toEqual(await collect(1, 0));
    expect(await collect(1, 0)).not.toEqual(await collect(1, 1));
    expect(await collect(1, 0, 1)).toEqual((await collect(1, 0)).slice(1));
    expect(await collect(1, 0)).toHaveLength(3);
  });

  it("refuses sizes that make no sense", () => {
    expect(() => createLoader(ramps(2), { batchSize: 3, imageSize: 32 })).toThrow(
      "batchSize must be an integer from 1 to the data set's 2; got 3",
    );
    expect(() => createLoader(ramps(2), { batchSize: 1, imageSize: 0 })).toThrow(
      "imageSize must be an integer >= 1; got 0",
    );
  });
});
