import { mkdtempSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { parsePts, readPts, writeCoco, writeCsv, writeDlibXml, writeLjson, writePts, writeWflw } from "./index.js";

const folder = () => mkdtempSync(join(tmpdir(), "acr writers "));
const coordinate = fc.double({ min: -9.9e5, max: 9.9e5, noNaN: true });

it("writePts / readPts give any double back (from 1e-80 on)", async () => {
  const file = join(folder(), "a.pts");
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(coordinate, fc.double({ min: -3, max: 3, noNaN: true })), { minLength: 2, maxLength: 12 }),
      async (values) => {
        const shape = values.slice(0, values.length & ~1).map((value) => (Math.abs(value) < 1e-80 ? 0 : value));
        await writePts(file, shape);
        expect([...(await readPts(file))]).toEqual(shape);
      },
    ),
    { numRuns: 100 },
  );
});

it("parsePts takes ordinary numbers as doubles and minus one, as every other reader does", () => {
  fc.assert(
    fc.property(coordinate, (value) => {
      expect(parsePts(`{\n${value} 1\n}`, { file: "a" })[0]).toBe(value - 1);
    }),
  );
});

it("writers refuse what no reader takes back, and leave an old file as it was", async () => {
  const root = folder();
  const file = join(root, "a");
  await writePts(file, [1, 2]);
  const before = readFileSync(file, "utf8");
  const face = { image: "a.jpg", landmarks: [1, 2] };
  for (const [run, message] of [
    [() => writePts(file, [1, Number.NaN]), "landmarks must be 2K finite numbers"],
    [() => writeLjson(file, []), "landmarks must be 2K finite numbers"],
    [() => writeDlibXml(file, []), "faces must hold at least one"],
    [() => writeCsv(file, [{ ...face, visible: [1, 1] }]), "visible must hold 1 flags"],
    [() => writeCsv(file, [face, { ...face, landmarks: [1, 2, 3, 4] }]), "faces[1]: expected 1 landmarks; got 2"],
    [() => writeDlibXml(file, [{ ...face, image: "a\nb" }]), "image must be a path on one line"],
    [() => writeWflw(file, [face]), "expected 98 landmarks; got 1"],
    [() => writeWflw(file, [{ image: "a b.jpg", landmarks: new Array(196).fill(1) }]), "must not hold white space"],
    [() => writeCoco(file, [face], { sceme: 1 } as never), 'unknown option "sceme". Did you mean scheme?'],
    [() => writeCsv(file, [{ ...face, box: [2, 2, 1, 1] }]), "box must be [x0, y0, x1, y1] with a positive size"],
  ] as const)
    await expect(run()).rejects.toThrow(message);
  expect(readFileSync(file, "utf8")).toBe(before);
  expect(await readdir(root)).toEqual(["a"]);
});
