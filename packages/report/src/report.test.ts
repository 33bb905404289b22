import { ibug68 } from "@acr/core";
import { evaluate } from "@acr/metrics";
import { Jimp } from "jimp";
import { renderOverlay, renderReport, renderTable } from "./index.js";

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
  expect(page).toContain("data:image/png;base64,");
  expect(page).not.toMatch(/(src|href)="http/);
  await expect(renderReport({ title: "", runs: [], scheme: ibug68 })).rejects.toThrow("at least one run");
});
