import { ibug68 } from "@acr/core";
import { evaluate } from "@acr/metrics";
import { Jimp } from "jimp";
import {
  renderContactSheet,
  renderOverlay,
  renderOverlaySvg,
  renderPlot,
  renderProgressGif,
  renderReport,
  renderTable,
} from "./index.js";

const image = { width: 40, height: 30, data: new Uint8Array(40 * 30 * 3).fill(60) };

it("renderTable writes text, markdown, LaTeX and CSV, and escapes what they treat specially", () => {
  const rows = [
    { run: "a|b", "NME %": "5.10" },
    { run: 'x,"y"', "NME %": "4.90" },
  ];
  expect(renderTable(rows, { format: "text" })).toBe('run    NME %\n-----  -----\na|b    5.10\nx,"y"  4.90');
  expect(renderTable(rows, { format: "markdown" })).toContain("| a\\|b | 5.10 |");
  expect(renderTable(rows, { format: "latex" })).toContain("NME \\%");
  expect(renderTable(rows, { format: "csv" })).toContain('"x,""y""",4.90');
  expect(() => renderTable([], { format: "csv" })).toThrow("at least one row");
});

it("renderOverlay draws predicted points orange where they are", async () => {
  const png = await Jimp.read(
    Buffer.from(await renderOverlay(image, { predicted: [10, 12], target: [30, 5], scale: 2 })),
  );
  expect([png.width, png.height]).toEqual([80, 60]);
  expect(png.getPixelColor(21, 25)).toBe(0xe69f00ff);
  expect(png.getPixelColor(61, 11)).toBe(0x56b4e9ff);
  expect(png.getPixelColor(2, 2)).toBe(0x3c3c3cff);
});

it("renderReport is one page without network that escapes names from files", async () => {
  const target = Float64Array.from({ length: 136 }, (_, i) => 20 + 10 * Math.sin(i));
  const evaluation = evaluate([target.map((value) => value + 0.3)], [target], { scheme: ibug68 });
  const run = {
    name: "<script>alert(1)</script>",
    recipe: {},
    environment: {},
    history: [
      { epoch: 1, trainLoss: 1, nmePercent: 9 },
      { epoch: 2, trainLoss: 0.5, nmePercent: 7 },
    ],
    evaluation,
    samples: [{ id: "<img>", image, predicted: target, target, nmePercent: 3 }],
    seconds: 12,
  };
  const page = await renderReport({ title: "A & B", runs: [run, { ...run, name: "other" }], scheme: ibug68 });
  expect(page).not.toContain("<script");
  expect(page).toContain("&lt;script&gt;");
  expect(page).toContain("<h1>A &amp; B</h1>");
  expect(page).toContain("data:image/jpeg;base64,");
  expect(page).toContain("Cumulative error distribution");
  // Every plot has a title for screen readers and a table behind it.
  const figures = page.match(/<figure class="plot">[\s\S]*?<\/figure>/g)!;
  expect(figures.length).toBeGreaterThanOrEqual(5);
  for (const figure of figures) expect(figure).toMatch(/<svg[^>]*role="img"[^>]*><title>[^<]+<\/title>[\s\S]*<table>/);
  expect(page).not.toMatch(/(src|href)="http/);
  await expect(renderReport({ title: "", runs: [], scheme: ibug68 })).rejects.toThrow("at least one run");
});

it("renderReport refuses two runs of one name", async () => {
  const target = Float64Array.from({ length: 136 }, (_, i) => 20 + 10 * Math.sin(i));
  const evaluation = evaluate([target], [target], { scheme: ibug68, resamples: 0 });
  const run = { name: "a", recipe: {}, environment: {}, history: [], evaluation, samples: [] };
  await expect(renderReport({ title: "", runs: [run, run], scheme: ibug68 })).rejects.toThrow(
    'two runs are called "a"',
  );
  const page = await renderReport({ title: "alone", runs: [run], scheme: ibug68 });
  expect(page).toContain("alone");
  expect(page).not.toContain("by epoch");
});

it("renderPlot draws without a browser and escapes its title and data", async () => {
  const values = [
    { x: 1, run: "<b>" },
    { x: 2, run: "&" },
  ];
  const encoding = { x: { field: "x", type: "quantitative" }, y: { field: "run", type: "nominal" } };
  const svg = await renderPlot({ data: { values }, mark: "bar", encoding }, { title: "a < b" });
  expect(svg).toContain("<title>a &lt; b</title>");
  expect(svg).toContain("&lt;b&gt;");
  expect(svg).not.toMatch(/<b>|graphics-symbol|fill="white"/);
  await expect(renderPlot({ mark: 3 }, { title: "" })).rejects.toThrow(
    "renderPlot: spec must be a Vega-Lite specification",
  );
});

it("renderOverlaySvg puts points on pixel centres and sizes true points by difficulty", async () => {
  const options = { predicted: [9.5, 11.5], target: [30, 5], difficulty: [1], title: "<x>" };
  const svg = await renderOverlaySvg(image, options);
  expect(svg).toContain('cx="10.0" cy="12.0" r="0.8"');
  expect(svg).toContain('cx="30.5" cy="5.5" r="2.4"');
  expect(svg).toContain("<title>&lt;x&gt;</title>");
  await expect(renderOverlaySvg(image, { ...options, difficulty: [1, 2, 3] })).rejects.toThrow(
    "got 3 for 2 coordinates",
  );
  await expect(renderOverlaySvg(image, { predicted: [Number.NaN, 1] })).rejects.toThrow(
    "predicted landmark 0 must be finite",
  );
});

it("renderContactSheet crops each face to its landmarks and keeps points in their cells", async () => {
  const face = { image, target: [10, 10, 20, 20], predicted: [15, 15, 1e6, 1e6] };
  const png = await Jimp.read(Buffer.from(await renderContactSheet([face, face, face], { columns: 2, cellSize: 32 })));
  expect([png.width, png.height]).toEqual([64, 64]);
  // The middle of the landmarks is the middle of the cell.
  expect(png.getPixelColor(15, 15)).toBe(0xe69f00ff);
  expect(png.getPixelColor(47, 15)).toBe(0xe69f00ff);
  expect(png.getPixelColor(47, 47)).toBe(0x000000ff);
  await expect(renderContactSheet([])).rejects.toThrow("at least one face; got none");
  await expect(renderContactSheet([face], { cellSize: 8 })).rejects.toThrow(
    "cellSize must be an integer from 16 to 1024",
  );
});

it("renderProgressGif writes every frame, and refuses frames of other sizes", async () => {
  const frame = (value: number) => ({ width: 8, height: 6, data: new Uint8Array(144).fill(value) });
  const bytes = await renderProgressGif([frame(0), frame(120), frame(250)], { delayMs: 100 });
  expect(Buffer.from(bytes.subarray(0, 6)).toString()).toBe("GIF89a");
  expect([bytes[6], bytes[8]]).toEqual([8, 6]);
  // A graphic control extension opens each frame.
  const starts = [...bytes.keys()].filter((i) => bytes[i] === 0x21 && bytes[i + 1] === 0xf9 && bytes[i + 2] === 4);
  expect(starts).toHaveLength(3);
  expect(starts.map((i) => bytes[i + 4]! + 256 * bytes[i + 5]!)).toEqual([10, 10, 200]);
  await expect(renderProgressGif([])).rejects.toThrow("at least one picture");
  const wide = { width: 9, height: 6, data: new Uint8Array(162) };
  await expect(renderProgressGif([frame(0), wide])).rejects.toThrow("must be 8 x 6; got 9 x 6 at frame 1");
});

it("renderTable makes every character safe in LaTeX", () => {
  const latex = renderTable([{ a_b: "50% & ~x^2 \\ <1" }], { format: "latex" });
  expect(latex).toContain("a\\_b");
  expect(latex).toContain("50\\% \\& \\textasciitilde{}x\\textasciicircum{}2 \\textbackslash{} \\textless{}1");
});
