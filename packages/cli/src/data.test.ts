import { mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dataFolder } from "@acr/testing";
import { main } from "./main.js";

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
const json = async (...args: string[]) => {
  const { code, out, err } = await acr(...args, "--json");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out);
};
/** Enough faces to tell what is usual. */
const COUNT = 150;
const folder = () => mkdtempSync(join(tmpdir(), "acr data "));

let pts: string;
beforeAll(async () => {
  pts = join(folder(), "faces");
  // Synthetic faces in a folder stand for the user's own.
  const { createSyntheticFaces } = await import("@acr/synthetic");
  const { convertDataset } = await import("@acr/datasets");
  await convertDataset(createSyntheticFaces({ count: COUNT, seed: 3, imageSize: 64 }), { to: "pts", out: pts });
});

describe("acr data inspect", () => {
  it("counts, and finds a duplicate, a moved landmark, a cut picture and a short label", async () => {
    const root = join(folder(), "odd");
    mkdirSync(root);
    for (const name of readdirSync(pts)) writeFileSync(join(root, name), readFileSync(join(pts, name)));
    const [first, second, third, fourth] = readdirSync(pts)
      .filter((name) => name.endsWith(".pts"))
      .map((name) => name.slice(0, -4)) as [string, string, string, string];
    for (const end of [".pts", ".png"]) writeFileSync(join(root, `twin${end}`), readFileSync(join(pts, first + end)));
    const lines = readFileSync(join(pts, `${second}.pts`), "utf8").split("\n");
    lines[3 + 33] = "60 3";
    writeFileSync(join(root, `${second}.pts`), lines.join("\n"));
    writeFileSync(join(root, `${third}.png`), readFileSync(join(pts, `${third}.png`)).subarray(0, 900));
    writeFileSync(join(root, `${fourth}.pts`), "version: 1\nn_points: 1\n{\n1 2\n}\n");
    const found = await json("data", "inspect", "--dataset", "points", "--root", root);
    expect(found).toMatchObject({ dataset: "points", split: null, scheme: "ibug68", count: COUNT - 1 });
    expect(
      found.faults.map(({ file, line }: { file: string; line?: number }) => [file.split("/").at(-1), line]),
    ).toEqual([
      [`${third}.png`, undefined],
      [`${fourth}.pts`, 5],
    ]);
    expect(found.duplicates).toEqual([expect.objectContaining({ first, second: "twin" })]);
    expect(found.outliers[0]).toMatchObject({ id: second, landmark: 33, name: "noseBase" });
    const page = join(root, "..", "doctor.html");
    const { code, out } = await acr("data", "inspect", "--dataset", "points", "--root", root, "--html", page);
    expect([code, out.split("\n")[0]]).toEqual([0, `points: ${COUNT - 1} faces, 2 faults`]);
    expect(readFileSync(page, "utf8")).toMatch(/Duplicates \(1\)[\s\S]*twin[\s\S]*noseBase/);
  });

  it("tells of synthetic faces, too, and of labels alone", async () => {
    const found = await json("data", "inspect", "--dataset", "points", "--root", pts, "--labels-only");
    expect([found.count, found.duplicates]).toEqual([COUNT, undefined]);
  });

  const real = dataFolder("300w");
  (real ? it : it.skip)("finds the photograph that LFPW's training and test folders share", async () => {
    const found = await json("data", "inspect", "--dataset", "300w", "--root", real!, "--split", "lfpw/testset");
    expect(found.comparedWith).toEqual(["300w:afw", "300w:helen/trainset", "300w:lfpw/trainset"]);
    expect(found.duplicates).toContainEqual(
      expect.objectContaining({ first: "lfpw/testset/image_0096", second: "lfpw/trainset/image_0828" }),
    );
  });
});

describe("acr data view, prepare, convert", () => {
  it("view draws faces, and augmented ones", async () => {
    const page = join(folder(), "faces.html");
    expect((await acr("data", "view", "--dataset", "points", "--root", pts, "--count", "3", "--out", page)).code).toBe(
      0,
    );
    const text = readFileSync(page, "utf8");
    expect([text.match(/<figure>/g), text.match(/<circle /g)].map((found) => found!.length)).toEqual([3, 3 * 68]);
    const args = ["--augment", "strong", "--count", "2", "--out", page];
    expect((await acr("data", "view", "--dataset", "points", "--root", pts, ...args)).code).toBe(0);
    expect(readFileSync(page, "utf8").match(/<figure>/g)).toHaveLength(14);
  });

  it("prepare makes a file once, which inspect and view open", async () => {
    const file = join(folder(), "faces.acr");
    const args = ["data", "prepare", "--dataset", "points", "--root", pts, "--image-size", "48", "--out", file];
    expect(await json(...args)).toMatchObject({ count: COUNT, rebuilt: true, faults: [] });
    expect(await json(...args)).toMatchObject({ count: COUNT, rebuilt: false });
    expect((await acr(...args)).out).toMatch(/faces\.acr: 150 faces, .* still fits its source/);
    expect(await json("data", "inspect", "--dataset", "points", "--root", file)).toMatchObject({
      count: COUNT,
      faults: [],
    });
  });

  it("convert goes from format to format", async () => {
    const root = folder();
    let from = pts;
    for (const to of ["dlib", "coco", "csv", "json", "ljson"]) {
      const args = ["--dataset", "points", "--root", from, "--to", to, "--out", join(root, to)];
      const converted = await json("data", "convert", ...args);
      expect(converted).toMatchObject({ format: to, count: COUNT, scheme: "ibug68", skipped: 0 });
      from = converted.root;
    }
    const { open300W } = await import("@acr/datasets");
    const ends = await Promise.all([
      open300W({ root: join(pts, ".."), split: "faces" }),
      (await import("@acr/datasets")).openPoints({ root: from }),
    ]);
    for (let i = 0; i < COUNT; i++) expect(ends[1].describe(i).landmarks).toEqual(ends[0].describe(i).landmarks);
    const args = [
      "--dataset",
      "points",
      "--root",
      pts,
      "--to",
      "cofw",
      "--to-scheme",
      "cofw29",
      "--out",
      join(root, "cofw"),
    ];
    expect(await json("data", "convert", ...args)).toMatchObject({ scheme: "cofw29", count: COUNT });
    expect(
      await json("data", "inspect", "--dataset", "cofw", "--root", join(root, "cofw"), "--split", "train"),
    ).toMatchObject({ count: COUNT, scheme: "cofw29", faults: [] });
  });
});

describe("bad input ends with code 2 and one line that names file and line", () => {
  const points = Array.from({ length: 68 }, (_, k) => `x${k},y${k}`).join(",");
  const numbers = Array.from({ length: 136 }, (_, i) => i).join(",");
  it.each([
    ["a.csv", `image,${points}\nx.png,1\n`, /a\.csv:2: .*expected 137 cells; got 2/],
    ["a.csv", `image,${points}\nx.png,${numbers}\n`, /a\.csv:2: .*picture "x\.png" cannot be read \(ENOENT\)/],
    ["a.csv", `image,${points}\n../x.png,${numbers}\n`, /a\.csv:2: .*picture "\.\.\/x\.png" must lie inside/],
    ["a.csv", `image,${points}\n/etc/hostname,${numbers}\n`, /a\.csv:2: .*picture "\/etc\/hostname" must lie inside/],
    ["a.csv", `image,${points}\nout/hostname,${numbers}\n`, /a\.csv:2: .*picture "out\/hostname" must lie inside/],
    ["a.xml", "<dataset>\n<images>\n<image file='x'>\n<box/>\n", /a\.xml:[45]: (expected a box|is not XML)/],
    ["a.json", '{\n"images": [],\n', /a\.json:\d: is not JSON/],
    [
      "a.json",
      '{"images":[],"annotations":[{"image_id":1,"keypoints":[1,2,2]}]}',
      /a\.json: .*annotations\[0\]\.image_id/,
    ],
    ["a.acr", "not prepared", /a\.acr: is no prepared file/],
    ["a.pts", "x", /a\.pts" is not a folder/],
  ])("%s %#", async (name, text, message) => {
    const root = folder();
    writeFileSync(join(root, name), text);
    symlinkSync("/etc", join(root, "out"));
    for (const command of [
      ["inspect", "--labels-only"],
      ["view", "--out", join(root, "page.html")],
      ["prepare", "--out", join(root, "out.acr")],
      ["convert", "--to", "dlib", "--out", join(root, "converted")],
    ]) {
      const { code, out, err } = await acr("data", ...command, "--dataset", "points", "--root", join(root, name));
      expect({ command, code, out }).toEqual({ command, code: 2, out: "" });
      expect(err).toMatch(message);
      expect(err.trimEnd().split("\n")).toHaveLength(1);
    }
    expect(readdirSync(root).sort()).toEqual([name, "out"].sort());
  });

  it.each([
    [["convert", "--to", "cofw", "--out", "x"], /cofw holds cofw29 only; got ibug68/],
    [["convert", "--to", "zip", "--out", "x"], /Allowed choices are pts, json/],
    [["convert", "--to", "pts"], /required option '--out/],
    [["view", "--out", "x.html", "--augment", "wild"], /Allowed choices are default, paper, strong/],
    [["prepare", "--out", "no/such/folder/x.acr"], /the folder "no\/such\/folder" does not exist/],
    [["inspect", "--dataset", "cofw68"], /--dataset cofw68 needs --root, the folder that holds it; got none/],
    [["inspect", "--scheme", "wflw98"], /--scheme is for --dataset points/],
  ])("%p", async (args, message) => {
    const { code, out, err } = await acr("data", ...args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(message);
  });
});
