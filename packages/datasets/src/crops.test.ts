import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  applyAffine,
  type Box,
  createRandom,
  type Face,
  type FaceDataset,
  ibug68,
  invertAffine,
  type RgbImage,
} from "@acr/core";
import {
  type CropProtocol,
  createBatches,
  createFaceCache,
  cropFaces,
  cropImage,
  cropTransform,
  parsePointsJson,
  writeJson,
} from "./index.js";

const box: Box = [20.25, 30.5, 100.25, 90.5];

/** A smooth picture: bilinear sampling of it is exact to a fraction of a grey level. */
const smooth = (x: number, y: number) => 120 + 60 * Math.sin(x / 23) + 50 * Math.cos(y / 31);
function picture(width: number, height: number, level = smooth): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++)
    data.fill(Math.round(level(i % width, Math.floor(i / width))), 3 * i, 3 * i + 3);
  return { width, height, data };
}

const face = (i: number): Face => ({
  id: `face ${i}`,
  image: picture(140, 130),
  landmarks: Float64Array.from({ length: 136 }, (_, j) => 40 + i + ((j * 7) % 40)),
  visible: Uint8Array.from({ length: 68 }, (_, k) => (k + i) % 2),
  box: [20 + i, 30, 100 + i, 110],
  scheme: ibug68,
  tags: {},
});
const faces: FaceDataset = {
  name: "smooth",
  length: 3,
  scheme: ibug68,
  get: async (i) => face(i),
  async *[Symbol.asyncIterator]() {
    for (let i = 0; i < 3; i++) yield face(i);
  },
};

describe("cropTransform(box, { protocol })", () => {
  it.each<[CropProtocol, number, number]>([
    ["padded", 80 * 1.3, 80 * 1.3],
    ["detector", 80 * 1.4, 80 * 1.4],
    ["pipnet-300w", 80 * 1.1, 60 * 1.1],
    ["paper", 100, 80],
  ])("%s spans %p x %p source pixels about the centre of the box", (protocol, width, height) => {
    const toSource = invertAffine(cropTransform(box, { protocol }));
    const [x0, y0, x1, y1] = applyAffine(toSource, [-0.5, -0.5, 0.5, 0.5]) as unknown as [
      number,
      number,
      number,
      number,
    ];
    expect([x1 - x0, y1 - y0]).toEqual([expect.closeTo(width, 9), expect.closeTo(height, 9)]);
    expect([(x0 + x1) / 2, (y0 + y1) / 2]).toEqual([expect.closeTo(60.25, 9), expect.closeTo(60.5, 9)]);
  });

  it("draws each margin of the paper's protocol from 5 to 15 px", () => {
    const random = createRandom(1);
    for (let i = 0; i < 50; i++) {
      const toSource = invertAffine(cropTransform(box, { protocol: "paper", random }));
      const [x0, y0, x1, y1] = applyAffine(toSource, [-0.5, -0.5, 0.5, 0.5]) as unknown as [
        number,
        number,
        number,
        number,
      ];
      for (const margin of [box[0] - x0, box[1] - y0, x1 - box[2], y1 - box[3]]) {
        expect(margin).toBeGreaterThanOrEqual(5 - 1e-9);
        expect(margin).toBeLessThanOrEqual(15 + 1e-9);
      }
    }
  });

  it.each([
    [() => cropTransform([5, 5, 5, 9]), "with a positive size; got [5, 5, 5, 9]"],
    [() => cropTransform([0, 0, Number.NaN, 9]), "with a positive size"],
    [
      () => cropTransform(box, { protocol: "square" as never }),
      "protocol must be one of padded, detector, pipnet-300w, paper; got square",
    ],
    [() => cropTransform(box, { enlargement: 0 }), "enlargement must be > 0; got 0"],
    [() => cropImage(picture(9, 9), box, { imageSize: 1.5 }), "imageSize must be an integer >= 1; got 1.5"],
  ])("throws a clear error (%#)", (run, message) => {
    expect(run).toThrow(message);
  });
});

describe("cropImage", () => {
  it.each([16, 48, 112, 200])("samples the picture where each output pixel lies, at %p px", (imageSize) => {
    const source = picture(300, 280);
    const { image, sourceToCentered } = cropImage(source, [60, 70, 220, 210], { imageSize });
    const toSource = invertAffine(sourceToCentered);
    // The mean over the area of an output pixel, from the formula of the picture.
    const offsets = imageSize < 50 ? [0.1, 0.3, 0.5, 0.7, 0.9] : [1 / 6, 1 / 2, 5 / 6];
    let error = 0;
    for (let y = 0; y < imageSize; y++) {
      for (let x = 0; x < imageSize; x++) {
        let mean = 0;
        for (const dy of offsets) {
          for (const dx of offsets) {
            const [u, v] = applyAffine(toSource, [(x + dx) / imageSize - 0.5, (y + dy) / imageSize - 0.5]);
            mean += smooth(u!, v!) / offsets.length ** 2;
          }
        }
        error += Math.abs(image.data[(y * imageSize + x) * 3]! - mean);
      }
    }
    expect(error / imageSize ** 2).toBeLessThan(1);
  });

  it("does not alias a chequerboard that shrinks fourfold", () => {
    const board = picture(400, 400, (x, y) => ((x + y) % 2) * 255);
    const { image } = cropImage(board, [100, 100, 300, 300], { imageSize: 65 });
    expect(Math.max(...image.data.map((value) => Math.abs(value - 127)))).toBeLessThan(3);
  });

  it("fills what lies outside with black, or with the nearest pixel", () => {
    const light = picture(20, 20, () => 200);
    const black = cropImage(light, [-20, -20, 20, 20], { imageSize: 20 }).image.data;
    const edge = cropImage(light, [-20, -20, 20, 20], { imageSize: 20, border: "edge" }).image.data;
    expect([black[0], new Set(edge).size, edge[0]]).toEqual([0, 1, 200]);
  });
});

it("cropFaces gives crops whose landmarks go back to the source", async () => {
  let i = 0;
  for await (const { id, image, landmarks, visible, sourceToCentered } of cropFaces(faces, { imageSize: 32 })) {
    expect([id, image.width, image.height]).toEqual([`face ${i}`, 32, 32]);
    const back = applyAffine(invertAffine(sourceToCentered), landmarks);
    for (let j = 0; j < 136; j++) expect(back[j]).toBeCloseTo(face(i).landmarks[j]!, 9);
    expect(visible).toEqual(face(i).visible);
    i++;
  }
  expect(i).toBe(3);
});

it("createFaceCache decodes each face once, counts its bytes, and serves batches equal to uncached ones", async () => {
  let reads = 0;
  const counted: FaceDataset = {
    ...faces,
    get: async (i) => {
      reads++;
      return face(i);
    },
  };
  const cache = createFaceCache(counted, { imageSize: 32, extent: "crop" });
  const collect = async (options: object) => {
    const batches = [];
    for await (const batch of createBatches(counted, { batchSize: 2, imageSize: 32, ...options })) batches.push(batch);
    return batches;
  };
  const first = await collect({ cache });
  const second = await collect({ cache });
  expect(reads).toBe(3);
  expect(cache.bytes).toBe(3 * 32 * 32 * 3);
  expect(second).toEqual(first);
  const plain = await collect({});
  first.forEach((batch, b) => {
    expect(batch.landmarks).toEqual(plain[b]!.landmarks);
    const differences = batch.images.map((value, i) => Math.abs(value - plain[b]!.images[i]!));
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
  });
  await expect(collect({ cache, imageSize: 16 })).rejects.toThrow(
    "the cache must be made for this data set, imageSize 16",
  );
});

describe("parsePointsJson / writeJson", () => {
  it("round-trips landmarks, flags and box exactly", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "acr json ")), "a.json");
    const labels = {
      landmarks: Float64Array.of(0.1, -2.5, 1 / 3, 4e5),
      visible: Uint8Array.of(1, 0),
      box: [1.5, 2, 3, 4] as const,
    };
    await writeJson(file, labels);
    expect(parsePointsJson(`\uFEFF${readFileSync(file, "utf8")}`, { file })).toEqual(labels);
    await expect(writeJson(file, { landmarks: [1, Number.NaN] })).rejects.toThrow(
      "landmarks must be 2K finite numbers",
    );
  });

  it.each([
    [{ version: 1, groups: [{ landmarks: [{ point: [2, 1] }, { point: [4, 3] }] }] }],
    [
      {
        version: 2,
        landmarks: {
          points: [
            [2, 1],
            [4, 3],
          ],
        },
      },
    ],
    [
      {
        version: 3,
        landmarks: {
          all: {
            points: [
              [2, 1],
              [4, 3],
            ],
          },
        },
      },
    ],
  ])("reads menpo's [y, x] points (%#)", (document) => {
    expect([...parsePointsJson(JSON.stringify(document), { file: "a.ljson" }).landmarks]).toEqual([1, 2, 3, 4]);
  });

  it.each([
    ["{", /a\.json:1: is not JSON/],
    ["null", /expected "landmarks" to be a list/],
    ['{"landmarks": [[1, 2], [1, null]]}', /landmarks\[1\]: expected two finite numbers; got \[1,null\]/],
    ['{"landmarks": [[1, 1e300]]}', /landmarks\[0\]/],
    ['{"landmarks": [[1, 2]], "visible": [2]}', /visible: expected 1 flags of 0 or 1/],
    ['{"landmarks": [[1, 2]], "box": [4, 4, 1, 1]}', /box: expected/],
  ])("names the faulty field (%#)", (text, message) => {
    expect(() => parsePointsJson(text, { file: "a.json" })).toThrow(message);
  });
});
