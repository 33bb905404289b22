import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cofw29, DataFormatError, type Face, type FaceDataset, type LandmarkScheme } from "@acr/core";
import fc from "fast-check";
import sharp from "sharp";
import {
  openCofw,
  openPrepared,
  parseCoco,
  parseCsv,
  parseDlibXml,
  parsePointsJson,
  parsePts,
  prepareDataset,
  readImage,
  writeCofw,
} from "./index.js";
import { checkImageBytes } from "./internal/check-image-bytes.js";
import { checksum } from "./internal/checksum.js";
import { parseCsvRows } from "./internal/parse-csv-rows.js";
import { headerOf } from "./internal/prepared-format.js";
import { readMat5 } from "./internal/read-mat5.js";
import { parseWflwLine } from "./open-wflw.js";

/** Cases for each parser; `ACR_FUZZ_CASES=10000` is the long run, see benchmarks/data. */
const CASES = Number(process.env.ACR_FUZZ_CASES ?? 500);
const SEED = Number(process.env.ACR_FUZZ_SEED ?? 20260101);
/** More work than this is called a hang. */
const LIMIT_MS = 1000;
/** Milliseconds of this process's processor since `before`: a busy machine makes nothing hang. */
const worked = (before: NodeJS.CpuUsage) => {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
};

const { files } = JSON.parse(readFileSync(join(__dirname, "__fixtures__/mat5.json"), "utf8")) as {
  files: Record<string, string>;
};
const file = "fuzz";
const numbers = Array.from({ length: 8 }, (_, i) => 10.5 + i);
const texts = {
  pts: `version: 1\nn_points: 4\n{\n${[0, 1, 2, 3].map((k) => `${numbers[2 * k]} ${numbers[2 * k + 1]}`).join("\n")}\n}\n`,
  json: JSON.stringify({
    landmarks: [
      [1, 2],
      [3, 4],
    ],
    visible: [1, 0],
    box: [0, 0, 9, 9],
  }),
  ljson: JSON.stringify({ version: 3, groups: { LJSON: { landmarks: { points: [[1, 2]] }, labels: [] } } }),
  coco: JSON.stringify({
    info: {},
    images: [{ id: 1, file_name: "a.jpg", width: 9, height: 9 }],
    annotations: [{ image_id: 1, keypoints: [1, 2, 2, 3, 4, 1], bbox: [0, 0, 5, 5] }],
  }),
  csv: 'image,box_x0,box_y0,box_x1,box_y1,x0,y0,visible0\n"a ""b"".jpg",0,0,9,9,1,2,1\nc.jpg,0,0,9,9,3,4,0\n',
  xml: `<?xml version="1.0"?>\n<dataset><images><image file="a.jpg"><box top="1" left="2" width="3" height="4"><part name="0" x="1" y="2"/><part name="1" x="3" y="4"/></box></image></images></dataset>`,
  wflw: [...Array.from({ length: 196 }, (_, i) => i), 1, 2, 3, 4, 0, 1, 0, 0, 1, 0, "a/b.jpg"].join(" "),
};
const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

/** A valid file with bytes changed, cut out, doubled or put in; now and then nothing of it is left. */
const mutated = (valid: Uint8Array) =>
  fc
    .array(
      fc.record({
        kind: fc.constantFrom("set", "cut", "double", "insert", "truncate"),
        at: fc.double({ min: 0, max: 1, noNaN: true }),
        length: fc.integer({ min: 1, max: 40 }),
        bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
      }),
      { minLength: 1, maxLength: 6 },
    )
    .map((changes) => {
      let bytes = Buffer.from(valid);
      for (const { kind, at, length, bytes: other } of changes) {
        const place = Math.floor(at * bytes.length);
        const [head, tail] = [bytes.subarray(0, place), bytes.subarray(place)];
        if (kind === "set") bytes = Buffer.concat([head, other, tail.subarray(other.length)]);
        else if (kind === "cut") bytes = Buffer.concat([head, tail.subarray(length)]);
        else if (kind === "double") bytes = Buffer.concat([head, tail.subarray(0, length), tail]);
        else if (kind === "insert") bytes = Buffer.concat([head, other, tail]);
        else bytes = Buffer.from(head);
      }
      return bytes;
    });
/** Text that is likelier to get past the first check: tokens of the format in any order. */
const tokens = (valid: string) => {
  const parts = [...new Set(valid.match(/[\w.]+|[^\w.]/g)), "NaN", "1e999", "-0", "9".repeat(400), "\u0000", "\uFEFF"];
  return fc.array(fc.constantFrom(...parts), { maxLength: 60 }).map((list) => list.join(""));
};

function survives(parse: () => unknown): void {
  const started = process.cpuUsage();
  try {
    parse();
  } catch (error) {
    // Anything but a fault of the file is a fault of ours.
    if (!DataFormatError.isInstance(error)) throw error;
    expect(error.message.startsWith(file)).toBe(true);
    expect(error.message).not.toMatch(/\n/);
  }
  expect(worked(started)).toBeLessThan(LIMIT_MS);
}

const parsers: [name: string, valid: string, parse: (text: string) => unknown][] = [
  ["parsePts", texts.pts, (text) => parsePts(text, { file })],
  ["parsePointsJson", texts.json, (text) => parsePointsJson(text, { file })],
  ["parsePointsJson (ljson)", texts.ljson, (text) => parsePointsJson(text, { file })],
  ["parseCoco", texts.coco, (text) => parseCoco(text, { file })],
  ["parseCsv", texts.csv, (text) => parseCsv(text, { file })],
  ["parseCsvRows", texts.csv, (text) => parseCsvRows(text, { file })],
  ["parseDlibXml", texts.xml, (text) => parseDlibXml(text, { file })],
  ["parseWflwLine", texts.wflw, (text) => parseWflwLine(text, file, 1)],
];

describe.each(parsers)("%s", (_, valid, parse) => {
  it("reads the file that is mutated", () => {
    expect(() => parse(valid)).not.toThrow();
  });
  it(`takes ${CASES} damaged files without crash or hang`, () => {
    fc.assert(
      fc.property(
        fc.oneof(
          mutated(Buffer.from(valid)).map((bytes) => bytes.toString("utf8")),
          tokens(valid),
        ),
        (text) => survives(() => parse(text)),
      ),
      { numRuns: CASES, seed: SEED },
    );
  }, 600_000);
});

describe.each([
  ["readMat5", Buffer.from(files.mixed!, "base64"), (bytes: Uint8Array) => readMat5(bytes, { file })],
  ["readMat5 (plain)", Buffer.from(files.boxes!, "base64"), (bytes: Uint8Array) => readMat5(bytes, { file })],
  ["checkImageBytes", png, (bytes: Uint8Array) => checkImageBytes(bytes, file)],
] as const)("%s", (_, valid, parse) => {
  it(`takes ${CASES} damaged files without crash or hang`, () => {
    expect(() => parse(valid)).not.toThrow();
    fc.assert(
      fc.property(fc.oneof(mutated(valid), fc.uint8Array({ maxLength: 300 })), (bytes) =>
        survives(() => parse(Uint8Array.from(bytes))),
      ),
      { numRuns: CASES, seed: SEED },
    );
  }, 600_000);
});

describe("openCofw and openPrepared", () => {
  // Each case goes through a file; the long run does them all.
  const cases = Math.min(CASES, CASES > 500 ? 10_000 : 60);
  const folder = mkdtempSync(join(tmpdir(), "acr fuzz "));
  const face = (scheme: LandmarkScheme): Face => ({
    id: "a",
    image: { width: 4, height: 3, data: new Uint8Array(36).fill(9) },
    landmarks: Float64Array.from({ length: 2 * scheme.landmarkCount }, (_, q) => q),
    visible: new Uint8Array(scheme.landmarkCount),
    box: [0, 0, 3, 3],
    scheme,
    tags: {},
  });
  const open = {
    cofw: async (path: string) => {
      const faces = await openCofw({ train: path });
      try {
        for (let i = 0; i < Math.min(3, faces.length); i++) await faces.get(i);
      } finally {
        faces.close();
      }
    },
    "acr index": async (path: string) => open.acr(path),
    acr: async (path: string) => {
      const faces = await openPrepared({ file: path });
      for (let i = 0; i < Math.min(3, faces.length); i++) await faces.get(i);
    },
  };
  /** The index changed, and the checksum with it: accidents and malice look alike to what reads the fields. */
  const damagedIndex = (whole: Buffer) => {
    const offset = Number(whole.readBigUInt64LE(16));
    const text = whole.toString("utf8", offset);
    const values = ["null", "-1", "1e999", "0.5", "[]", "{}", '""', "true", "1e9", '"wide"'];
    // A value of the JSON replaced by another one, so that most cases still parse.
    const replaced = fc.tuple(fc.nat(), fc.constantFrom(...values)).map(([n, value]) => {
      const places = [...text.matchAll(/(?<=[:[,])(-?[\d.e+]+|"[^"]*"|\[[^[\]]*\]|\{[^{}]*\})(?=[,\]}])/g)];
      const place = places[n % places.length]!;
      return text.slice(0, place.index) + value + text.slice(place.index + place[0].length);
    });
    return fc.oneof(replaced, mutated(Buffer.from(text)).map(String)).map((index) => {
      const bytes = Buffer.from(index);
      const header = headerOf({ offset, length: bytes.length, crc: checksum(bytes) });
      return Buffer.concat([header, whole.subarray(header.length, offset), bytes]);
    });
  };
  it.each(["cofw", "acr", "acr index"] as const)(
    `%s takes ${cases} damaged files without crash or hang`,
    async (kind) => {
      const valid = join(folder, `valid.${kind}`);
      const one: FaceDataset = {
        name: "one",
        length: 1,
        scheme: cofw29,
        get: async () => face(cofw29),
        async *[Symbol.asyncIterator]() {
          yield face(cofw29);
        },
      };
      if (kind === "cofw") await writeCofw(valid, one);
      else await prepareDataset(one, { file: valid, imageSize: 4 });
      const whole = readFileSync(valid);
      await open[kind](valid);
      const path = join(folder, `damaged.${kind}`);
      await fc.assert(
        fc.asyncProperty(kind === "acr index" ? damagedIndex(whole) : mutated(whole), async (bytes) => {
          writeFileSync(path, bytes);
          const started = process.cpuUsage();
          await open[kind](path).catch((error) => {
            if (!DataFormatError.isInstance(error)) throw error;
            expect(error.message).toContain(path);
          });
          expect(worked(started)).toBeLessThan(LIMIT_MS);
        }),
        { numRuns: cases, seed: SEED },
      );
    },
    600_000,
  );
});

describe.each(["jimp", "sharp"] as const)("readImage with %s", (decoder) => {
  const cases = Math.min(CASES, CASES > 500 ? 10_000 : 60);
  it.each(["baseline JPEG", "progressive JPEG", "PNG"])(
    `takes ${cases} damaged files without crash or hang: %s`,
    async (kind) => {
      const path = join(mkdtempSync(join(tmpdir(), "acr fuzz ")), "damaged");
      const raw = Uint8Array.from({ length: 40 * 30 * 3 }, (_, i) => (i * i) % 251);
      const picture = sharp(raw, { raw: { width: 40, height: 30, channels: 3 } });
      const valid =
        kind === "PNG"
          ? await picture.png().toBuffer()
          : await picture.jpeg({ progressive: kind.startsWith("progressive"), quality: 60 }).toBuffer();
      writeFileSync(path, valid);
      // The first call loads the decoder.
      await readImage(path, { decoder });
      await fc.assert(
        fc.asyncProperty(mutated(valid), async (bytes) => {
          writeFileSync(path, bytes);
          const started = process.cpuUsage();
          await readImage(path, { decoder }).catch((error) => {
            if (!DataFormatError.isInstance(error)) throw error;
            expect(error.message.startsWith(path)).toBe(true);
            expect(error.message).not.toMatch(/\n/);
          });
          expect(worked(started)).toBeLessThan(LIMIT_MS);
        }),
        { numRuns: cases, seed: SEED },
      );
    },
    600_000,
  );
});
