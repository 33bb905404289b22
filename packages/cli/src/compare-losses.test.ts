import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compareLosses } from "./compare-losses.js";

it("compareLosses({ folder, losses }) trains one run for each loss, prints a table and writes a report", async () => {
  const parent = mkdtempSync(join(tmpdir(), "acr-compare-"));
  const folder = join(parent, "both");
  let out = "";
  const stdout = jest.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += text;
    return true;
  });
  const stderr = jest.spyOn(process.stderr, "write").mockReturnValue(true);
  try {
    const assignments = ["epochs=1", "imageSize=32", "synthetic.trainCount=32", "synthetic.valCount=12", "threads=1"];
    expect(await compareLosses({ folder, losses: ["l2", "acr"], assignments })).toBe(0);
    const recipes = ["l2", "acr"].map((loss) => JSON.parse(readFileSync(join(folder, loss, "recipe.json"), "utf8")));
    const noLoss = { loss: "", lossOptions: {} };
    // Only the loss differs, or the comparison would mean nothing.
    expect({ ...recipes[0], ...noLoss }).toEqual({ ...recipes[1], ...noLoss });
    expect(out).toMatch(/^l2 +\d+\.\d+/m);
    expect(out).toMatch(/^acr +\d+\.\d+/m);
    const html = readFileSync(join(folder, "report.html"), "utf8");
    expect(html).toMatch(/^<!doctype html>/i);
    // One file: nothing is fetched when it is opened.
    expect(html).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  } finally {
    stdout.mockRestore();
    stderr.mockRestore();
    rmSync(parent, { recursive: true });
  }
});

it("compareLosses ends with code 2 where the recipe is wrong", async () => {
  let err = "";
  const stderr = jest.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += text;
    return true;
  });
  try {
    const folder = join(tmpdir(), "acr-never-made");
    expect(await compareLosses({ folder, losses: ["l2"], assignments: ["epoch=1"] })).toBe(2);
    expect(err).toContain("epoch");
  } finally {
    stderr.mockRestore();
  }
});
