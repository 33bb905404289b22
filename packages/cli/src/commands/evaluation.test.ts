import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseRecipe, saveModel } from "@acr/trainer";
import "@tensorflow/tfjs-backend-cpu";
import { setBackend } from "@tensorflow/tfjs-core";
import { initializers, layers, sequential } from "@tensorflow/tfjs-layers";
import { main } from "../main.js";

let folder: string;
const path = (name: string) => join(folder, name);

/** Runs `acr …` in this process and gathers what it prints. */
async function acr(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const printed = { out: "", err: "" };
  const spy = (stream: "out" | "err") => (text: string | Uint8Array) => {
    printed[stream] += text;
    return true;
  };
  const spies = [
    jest.spyOn(process.stdout, "write").mockImplementation(spy("out")),
    jest.spyOn(process.stderr, "write").mockImplementation(spy("err")),
  ];
  try {
    return { code: await main(args), ...printed };
  } finally {
    for (const one of spies) one.mockRestore();
  }
}

/** A run as training leaves it, with a model of a few thousand weights. */
async function makeRun(name: string, seed: number): Promise<void> {
  const model = sequential({
    layers: [
      layers.rescaling({ scale: 1 / 255, inputShape: [32, 32, 3] }),
      layers.averagePooling2d({ poolSize: 8 }),
      layers.flatten(),
      layers.dense({ units: 136, kernelInitializer: initializers.randomUniform({ minval: -0.2, maxval: 0.2, seed }) }),
      layers.reshape({ targetShape: [68, 2] }),
    ],
  });
  const recipe = parseRecipe({ imageSize: 32, synthetic: { trainCount: 4, valCount: 8 } });
  mkdirSync(path(name), { recursive: true });
  writeFileSync(join(path(name), "recipe.json"), JSON.stringify(recipe));
  writeFileSync(join(path(name), "metrics.jsonl"), '{"epoch":1,"trainLoss":1,"nmePercent":50}\n');
  await saveModel(model, join(path(name), "model"));
  model.dispose();
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "acr-evaluation-"));
  await setBackend("cpu");
  await makeRun("a", 1);
  await makeRun("b", 2);
});
afterAll(() => rmSync(folder, { recursive: true }));

it("acr evaluate --json keeps its contract for one run, and adds subsets and the worst faces", async () => {
  const { code, out } = await acr("evaluate", "--run", path("a"), "--backend", "cpu", "--json", "--csv", path("f.csv"));
  expect(code).toBe(0);
  const result = JSON.parse(out);
  expect(result).toMatchObject({
    dataset: "synthetic",
    split: "test",
    scheme: "ibug68",
    normalizer: "inter-ocular",
    count: 8,
  });
  for (const key of ["nmePercent", "medianPercent", "failureRatePercent", "auc"])
    expect(typeof result[key]).toBe("number");
  expect(result.ced.thresholds).toHaveLength(result.ced.fractions.length);
  expect(result.worst[0].nmePercent).toBe(Math.max(...result.perFacePercent));
  expect(Object.keys(result.subsets).some((name) => name.startsWith("yaw"))).toBe(true);
  const [head, ...lines] = readFileSync(path("f.csv"), "utf8").trimEnd().split("\n");
  expect(head).toMatch(/^run,id,nmePercent,/);
  expect(lines).toHaveLength(8);
});

it("acr evaluate compares runs face by face, mirrored and with disturbed boxes", async () => {
  const runs = ["--run", path("a"), "--run", path("b")];
  const { code, out } = await acr(
    "evaluate",
    ...runs,
    "--backend",
    "cpu",
    "--flip-test",
    "--box-noise",
    "0.1",
    "--json",
  );
  expect(code).toBe(0);
  const { runs: both, comparisons } = JSON.parse(out);
  expect(both.map(({ run }: { run: string }) => run)).toEqual([path("a"), path("b")]);
  expect(both[0].exactBoxes.nmePercent).not.toBe(both[0].nmePercent);
  expect(comparisons[0].difference).toBeCloseTo(both[1].nmePercent - both[0].nmePercent, 8);
  expect(comparisons[0].pValue).toBeGreaterThan(0);
});

it("acr report writes one page, and acr predict an SVG", async () => {
  const out = path("report.html");
  expect(await acr("report", "--run", path("a"), "--run", path("b"), "--backend", "cpu", "--out", out)).toMatchObject({
    code: 0,
  });
  const page = readFileSync(out, "utf8");
  expect(page).toContain("Paired comparison");
  expect(page).not.toContain("<script");
  const sheet = path("sheet.png");
  expect((await acr("report", "--run", path("a"), "--backend", "cpu", "--out", out, "--sheet", sheet)).code).toBe(0);
  const svg = path("face.svg");
  const predicted = await acr(
    "predict",
    "--run",
    path("a"),
    "--image",
    sheet,
    "--backend",
    "cpu",
    "--out",
    svg,
    "--json",
  );
  expect(JSON.parse(predicted.out).landmarks).toHaveLength(68);
  expect(readFileSync(svg, "utf8")).toMatch(/^<svg /);
});

it.each([
  { args: ["evaluate", "--run", "nowhere"], says: /holds no run/ },
  { args: ["evaluate", "--run", "A", "--box-noise", "2"], says: /expected a number between 0 and 1; got "2"/ },
  { args: ["evaluate", "--run", "A", "--csv", "no/such/folder/f.csv"], says: /--csv: the folder .* does not exist/ },
  { args: ["evaluate", "--run", "A", "--normalizer", "eyes"], says: /Allowed choices are inter-ocular/ },
  { args: ["report", "--run", "A", "--out", "."], says: /--out: "\." is a folder; expected a file/ },
  { args: ["report", "--run", "A", "--run", "A", "--out", "x.html"], says: /two runs are called/ },
  { args: ["report", "--run", "A", "--out", "x.html", "--film", "x.gif"], says: /--film needs the pictures/ },
  { args: ["predict", "--run", "A", "--image", "no.jpg"], says: /no\.jpg.*cannot be read/ },
  { args: ["predict", "--run", "A", "--image", "x", "--box", "5,5,1,1"], says: /x1 > x0/ },
])("acr $args ends with code 2 and one line", async ({ args, says }) => {
  const { code, out, err } = await acr(...args.map((arg) => (arg === "A" ? path("a") : arg)));
  expect(code).toBe(2);
  expect(out).toBe("");
  expect(err.trimEnd()).toMatch(says);
  expect(
    err
      .trimEnd()
      .split("\n")
      .filter((line) => line.startsWith("acr:")),
  ).toHaveLength(1);
});
