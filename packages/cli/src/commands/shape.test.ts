import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRandom } from "@acr/core";
import { PointModel } from "@acr/shape-model";
import { main } from "../main.js";

const folder = mkdtempSync(join(tmpdir(), "acr-shape-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string) => join(folder, name);
/** A grey picture of 1 × 1. */
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==",
  "base64",
);
const COUNT = 12;

/** Faces of 68 points with two ways to vary, in a folder as `--dataset points` reads it. */
beforeAll(() => {
  const random = createRandom(4);
  mkdirSync(file("faces"));
  for (let i = 0; i < COUNT; i++) {
    const [a, b] = [random.normal(0, 6), random.normal(0, 3)];
    const points = Array.from({ length: 68 }, (_, k) => {
      const angle = (2 * Math.PI * k) / 68;
      return `${(100 + 60 * Math.cos(angle) + a * Math.sin(3 * angle)).toFixed(3)} ${(90 + 60 * Math.sin(angle) + b * Math.cos(2 * angle)).toFixed(3)}`;
    });
    writeFileSync(file(`faces/face${i}.pts`), `version: 1\nn_points: 68\n{\n${points.join("\n")}\n}\n`);
    writeFileSync(file(`faces/face${i}.png`), PNG);
  }
});

/** Runs `acr` and catches what it prints. */
async function acr(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const printed = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((name) =>
    jest.spyOn(process[name], "write").mockImplementation((text) => {
      printed[name] += String(text);
      return true;
    }),
  );
  try {
    return { code: await main(argv), ...printed };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
const points = () => ["--dataset", "points", "--root", folder, "--split", "faces"];

describe("acr shape fit", () => {
  it("writes a model and prints k at each stage for both readings of the percentage", async () => {
    const { code, stdout, stderr } = await acr("shape", "fit", ...points(), "--out", file("model.json"));
    expect([code, stderr]).toEqual([0, `wrote ${file("model.json")}\n`]);
    expect(stdout).toContain("12 shapes of 68 landmarks (ibug68), 11 modes");
    expect(stdout).toMatch(/epoch 0 +80\.0 % +\d+ +9 +/);
    expect(stdout).toMatch(/epoch 101 +97\.0 % +\d+ +11 +100\.00 %/);
    const model = PointModel.fromJSON(JSON.parse(readFileSync(file("model.json"), "utf8")));
    expect([model.sampleCount, model.scheme]).toEqual([COUNT, "ibug68"]);
    // The frame of training: the crop's side is 1, and the tight box fills 1 / 1.3 of it.
    expect(Math.max(...model.mean)).toBeGreaterThan(0.3);
    expect(Math.max(...model.mean)).toBeLessThan(0.5);
  });

  it("prints one JSON document, takes custom stages and writes bytes for .acrb", async () => {
    const schedule = '[{"from":0,"fraction":0.5},{"from":0.5,"fraction":1}]';
    const { code, stdout } = await acr(
      ...["shape", "fit", ...points(), "--mirror", "--schedule", schedule, "--json", "--out", file("model.acrb")],
    );
    expect(code).toBe(0);
    const summary = JSON.parse(stdout);
    const model = PointModel.fromBinary(readFileSync(file("model.acrb")));
    expect(summary).toMatchObject({ dataset: "points", scheme: "ibug68", sampleCount: 2 * COUNT, landmarkCount: 68 });
    expect(summary.stages.map((stage: { byCount: number }) => stage.byCount)).toEqual([12, 23]);
    expect(summary.totalVariance).toBe(model.totalVariance);
    // With mirror images the mean is its own mirror image: landmark 8, the chin, lies on the axis.
    expect(model.mean[16]).toBeCloseTo(0, 12);
  });

  it("removes pose when told to", async () => {
    await acr("shape", "fit", ...points(), "--align", "procrustes", "--out", file("aligned.json"));
    expect(JSON.parse(readFileSync(file("aligned.json"), "utf8")).align).toBe("procrustes");
  });

  it.each([
    [["--dataset", "points", "--out", "x.json"], 'the data set "points" needs the folder'],
    [["--dataset", "no-such", "--out", "x.json"], "dataset"],
    [["--align", "gpa", "--out", "x.json"], "Allowed choices are none, procrustes"],
    [["--max-modes", "0", "--out", "x.json"], "expected an integer >= 1"],
    [["--schedule", "{}", "--out", "x.json"], "expected JSON such as"],
    [["--schedule", "[]", "--out", "x.json"], "schedule must hold at least one stage"],
    [["--scheme", "ibug69", "--out", "x.json"], 'unknown scheme "ibug69"; did you mean ibug68?'],
    [[], "required option '--out <file>' not specified"],
    [["--out", "x.json", "--outt", "x.json"], "unknown option '--outt'"],
  ])("exits 2 with one line for %j", async (argv, message) => {
    const { code, stdout, stderr } = await acr("shape", "fit", ...argv);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  it.each([
    [["--schedule", '[{"fromEpoch":0,"fraction":2}]'], "fraction must be in (0, 1]; got 2"],
    [["--schedule", '[{"fromEpoch":3,"fraction":0.5}]'], "the first stage must start at 0"],
    [["--max-modes", "1", "--schedule", '[{"fromEpoch":0,"fraction":0.99}]'], "fraction must be at most"],
    [["--dataset", "synthetic", "--split", "nosuch"], "--split of synthetic faces must be train or test; got nosuch"],
    [["--scheme", "wflw98"], "--scheme is for synthetic faces"],
  ])("writes nothing and exits 2 for %j", async (argv, message) => {
    const { code, stderr } = await acr("shape", "fit", ...points(), ...argv, "--out", file("none.json"));
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(readdirSync(folder).filter((name) => name.startsWith("none"))).toEqual([]);
  });

  it("keeps few modes, and leaves open the stages of the default schedule that need more", async () => {
    const out = file("few.json");
    const { code, stdout, stderr } = await acr("shape", "fit", ...points(), "--max-modes", "2", "--out", out);
    expect(code).toBe(0);
    expect(stdout).toContain("2 modes");
    expect(stdout).toMatch(/epoch 101 +97\.0 % +– +– +–\n/);
    expect(stderr).toContain("–: needs more than the 2 modes kept");
    const page = file("few.html");
    expect((await acr("shape", "show", out, "--out", page)).code).toBe(0);
    expect(readFileSync(page, "utf8")).toContain("needs more than the 2 modes that this model keeps");
  });

  it("says in one line that a file cannot be written", async () => {
    const { code, stderr } = await acr("shape", "fit", ...points(), "--out", file("missing/model.json"));
    expect(code).toBe(2);
    expect(stderr).toMatch(/^acr: --out: the folder ".*missing" does not exist[^\n]*\n$/);
  });
});

describe("acr shape show", () => {
  const unknown = () => {
    const random = createRandom(8);
    const shapes = Array.from({ length: 20 }, () => Array.from({ length: 14 }, (_, q) => q + random.normal()));
    writeFileSync(file("unknown.json"), JSON.stringify(PointModel.fit(shapes)));
    return file("unknown.json");
  };

  it("writes one page without addresses of others: sliders, curve, stages and faces with their pictures", async () => {
    await acr("shape", "fit", ...points(), "--out", file("shown.json"));
    const { code, stdout } = await acr(
      ...["shape", "show", file("shown.json"), ...points(), "--faces", "2", "--modes", "5", "--out", file("page.html")],
    );
    expect([code, stdout]).toEqual([0, ""]);
    const page = readFileSync(file("page.html"), "utf8");
    expect(page.match(/type="range"/g)).toHaveLength(5);
    expect(page.match(/data:image\/png;base64,/g)).toHaveLength(2);
    // Five stages, two readings, two faces.
    expect(page.match(/<figure><svg/g)).toHaveLength(20);
    expect(page).not.toMatch(/(src|href)="(?!data:|#)/);
    const data = JSON.parse(/<script type="application\/json" id="model">(.*?)<\/script>/.exec(page)![1]!);
    const model = PointModel.fromJSON(JSON.parse(readFileSync(file("shown.json"), "utf8")));
    expect(data.deviations[0]).toBeCloseTo(Math.sqrt(model.eigenvalues[0]!), 6);
    expect(data.modes[4][3]).toBeCloseTo(model.modes[4]![3]!, 6);
  });

  it("shows the model of synthetic faces when it is given none", async () => {
    const { code } = await acr("shape", "show", ...points(), "--faces", "1", "--out", file("default.html"));
    expect(code).toBe(0);
    expect(readFileSync(file("default.html"), "utf8")).toContain("fitted on 4,000 faces; 136 modes");
  });

  it("draws Φ of aligned models in the picture's frame", async () => {
    await acr("shape", "fit", ...points(), "--align", "procrustes", "--out", file("turned.json"));
    const { code } = await acr("shape", "show", file("turned.json"), ...points(), "--out", file("turned.html"));
    expect(code).toBe(0);
    const page = readFileSync(file("turned.html"), "utf8");
    const coordinates = [...page.matchAll(/<circle cx="(-?[\d.e-]+)"/g)].map((match) => Math.abs(Number(match[1])));
    expect(coordinates.length).toBeGreaterThan(100);
    expect(Math.max(...coordinates)).toBeLessThan(0.5);
  });

  it("draws faces from the model where its numbering is unknown, and keeps names from files harmless", async () => {
    const model = unknown();
    const odd = file("<b>&.json");
    writeFileSync(odd, readFileSync(model));
    const { code } = await acr("shape", "show", odd, "--out", file("unknown.html"));
    expect(code).toBe(0);
    const page = readFileSync(file("unknown.html"), "utf8");
    expect(page).toContain("drawn from the model, seed 0");
    expect(page).toContain("Shape model &lt;b&gt;&amp;.json");
    expect(page).not.toContain("NaN");
  });

  it("exits 2 with one line, and writes no page, for what is no model", async () => {
    const good = JSON.parse(readFileSync(unknown(), "utf8"));
    const cases: [string, string][] = [
      ["no JSON", "is no JSON; expected a shape model"],
      ["[]", "a model must be an object; got an array"],
      [JSON.stringify({ ...good, formatVersion: 2 }), "formatVersion must be 1; got 2. Update @acr/shape-model"],
      [JSON.stringify({ ...good, mean: undefined }), "mean must hold 2K finite numbers"],
      [JSON.stringify({ ...good, eigenvalues: [...good.eigenvalues].reverse() }), "eigenvalues must fall"],
      ["ACRB\u0001", "bytes must start with ACRB"],
    ];
    for (const [content, message] of cases) {
      writeFileSync(file("bad.json"), content);
      const { code, stderr } = await acr("shape", "show", file("bad.json"), "--out", file("bad.html"));
      expect(code).toBe(2);
      expect(stderr).toMatch(/^acr: .*bad\.json: [^\n]*\n$/);
      expect(stderr).toContain(message);
    }
    expect(existsSync(file("bad.html"))).toBe(false);
    expect((await acr("shape", "show", file("absent.json"), "--out", file("bad.html"))).code).toBe(2);
  });

  it("refuses faces of another numbering", async () => {
    const { code, stderr } = await acr("shape", "show", unknown(), ...points(), "--out", file("other.html"));
    expect(code).toBe(2);
    expect(stderr).toContain("the model has 7 landmarks; got 68 (ibug68)");
  });
});
