import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Face, FaceDataset } from "@acr/core";
import { open300W, openCofw, openList, openPoints, openWflw } from "@acr/datasets";
import { createSyntheticFaces } from "@acr/synthetic";
import { main } from "../main.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "acr-synth-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function acr(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const printed = { out: "", err: "" };
  const spies = (["stdout", "stderr"] as const).map((stream) =>
    jest.spyOn(process[stream], "write").mockImplementation((text) => {
      printed[stream === "stdout" ? "out" : "err"] += text;
      return true;
    }),
  );
  try {
    return { code: await main(args), ...printed };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

const COUNT = 3;
const SIZE = 48;

/** How each format is opened again, and what it has a place for. */
const FORMATS: {
  format: string;
  scheme?: string;
  keeps: ("visible" | "box")[];
  open: (root: string, scheme: string) => Promise<FaceDataset>;
}[] = [
  { format: "300w", keeps: [], open: (root) => open300W({ root, split: "lfpw/testset" }) },
  { format: "cofw", scheme: "cofw29", keeps: ["visible", "box"], open: (root) => openCofw({ root, split: "test" }) },
  { format: "wflw", scheme: "wflw98", keeps: [], open: (root) => openWflw({ root, split: "test" }) },
  { format: "points", keeps: [], open: (root) => openPoints({ root }) },
  { format: "json", keeps: ["visible", "box"], open: (root) => openPoints({ root }) },
  { format: "ljson", keeps: [], open: (root) => openPoints({ root }) },
  { format: "coco", scheme: "wflw98", keeps: ["visible", "box"], open: (file, scheme) => openList({ file, scheme }) },
  { format: "dlib", keeps: ["visible"], open: (file, scheme) => openList({ file, scheme }) },
  { format: "csv", scheme: "cofw29", keeps: ["visible", "box"], open: (file, scheme) => openList({ file, scheme }) },
];

it.each(FORMATS)("acr data synth --format $format writes what its reader gives back", async (entry) => {
  const { format, keeps, open, scheme = "ibug68" } = entry;
  const out = join(folder, "faces");
  const own = format === "cofw" || format === "wflw" || format === "300w";
  const {
    code,
    out: printed,
    err,
  } = await acr(
    ...["data", "synth", "--out", out, "--format", format, "--count", `${COUNT}`, "--seed", "4", "--split", "test"],
    ...["--image-size", `${SIZE}`, "--occlusion", "0.5", "--json", ...(own ? [] : ["--scheme", scheme])],
  );
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const written = JSON.parse(printed);
  expect(written).toMatchObject({ count: COUNT, scheme, format, split: "test", seed: "4" });

  const faces = await open(written.root, scheme);
  const wanted = createSyntheticFaces({
    ...{ count: COUNT, seed: "test:4", scheme, imageSize: SIZE },
    occlusionProbability: 0.5,
  });
  expect(faces.length).toBe(COUNT);
  expect(faces.scheme.id).toBe(scheme);
  const found: Face[] = [];
  for await (const face of faces) found.push(face);
  for (let i = 0; i < COUNT; i++) {
    const truth = await wanted.get(i);
    // Readers order by name or as listed; the points tell which face it is.
    const face = found.find(({ landmarks }) => Math.abs(landmarks[0]! - truth.landmarks[0]!) < 1e-4)!;
    expect(face).toBeDefined();
    expect(Math.max(...Array.from(truth.landmarks, (value, k) => Math.abs(face.landmarks[k]! - value)))).toBeLessThan(
      1e-5,
    );
    expect(Buffer.from(face.image.data).equals(Buffer.from(truth.image.data))).toBe(true);
    if (keeps.includes("visible")) expect(Array.from(face.visible!)).toEqual(Array.from(truth.visible!));
    if (keeps.includes("box")) {
      for (let k = 0; k < 4; k++) expect(Math.abs(face.box[k]! - truth.box[k]!)).toBeLessThan(1e-4);
    }
  }
  if ("close" in faces) (faces as { close(): void }).close();
});

it("acr data synth puts both splits of 300-W into one folder, without a face in common", async () => {
  const out = join(folder, "faces");
  for (const split of ["train", "test"]) {
    const { code } = await acr(
      ...["data", "synth", "--out", out, "--format", "300w", "--count", "2", "--image-size", "32", "--split", split],
    );
    expect(code).toBe(0);
  }
  const [train, test] = await Promise.all(
    ["lfpw/trainset", "lfpw/testset"].map((split) => open300W({ root: out, split })),
  );
  const points = async (faces: FaceDataset) => {
    const both = await Promise.all([0, 1].map((i) => faces.get(i)));
    return both.flatMap(({ landmarks }) => Array.from(landmarks));
  };
  const seen = new Set(await points(train!));
  expect((await points(test!)).filter((value) => seen.has(value))).toHaveLength(0);
});

it("acr data synth says what it wrote", async () => {
  const { code, out } = await acr("data", "synth", "--out", join(folder, "a"), "--count", "1", "--image-size", "32");
  expect(code).toBe(0);
  expect(out).toBe(`1 faces (ibug68) in ${join(folder, "a")}\n`);
});

it.each([
  { args: [], says: /required option '--out/ },
  { args: ["--out", "OUT", "--format", "tiff"], says: /Allowed choices are 300w, cofw/ },
  { args: ["--out", "OUT", "--format", "cofw", "--scheme", "ibug68"], says: /cofw holds cofw29 only/ },
  { args: ["--out", "OUT", "--scheme", "ibug86"], says: /did you mean ibug68/ },
  { args: ["--out", "OUT", "--count", "0"], says: /expected an integer >= 1/ },
  { args: ["--out", "OUT", "--image-size", "31"], says: /imageSize must be an integer from 32 to 1024; got 31/ },
  { args: ["--out", "OUT", "--max-yaw", "90"], says: /maxYawDegrees must be from 0 to 75; got 90/ },
  { args: ["--out", "OUT", "--occlusion", "much"], says: /expected a number; got "much"/ },
  { args: ["--out", "OUT", "--split", "val"], says: /Allowed choices are train, test/ },
])("acr data synth $args ends with code 2, one line and no folder", async ({ args, says }) => {
  const out = join(folder, "never");
  const { code, out: printed, err } = await acr("data", "synth", ...args.map((arg) => (arg === "OUT" ? out : arg)));
  expect({ code, printed }).toEqual({ code: 2, printed: "" });
  expect(err).toMatch(says);
  expect(err.trimEnd().split("\n")).toHaveLength(1);
  expect(existsSync(out)).toBe(false);
});

it("acr data synth never writes into a folder that holds something", async () => {
  writeFileSync(join(folder, "mine.txt"), "kept");
  const { code, err } = await acr("data", "synth", "--out", folder, "--count", "1");
  expect(code).toBe(2);
  expect(err).toMatch(/out must be a new or empty folder/);
  expect(readdirSync(folder)).toEqual(["mine.txt"]);
});
