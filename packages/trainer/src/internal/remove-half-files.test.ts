import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeHalfFiles } from "./remove-half-files.js";

const folder = mkdtempSync(join(tmpdir(), "acr-half-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("removeHalfFiles(folder) takes away what processes left that have ended, and nothing else", async () => {
  const { pid: ended } = spawnSync(process.execPath, ["--version"]);
  const names = ["last.bin", `last.bin.${ended}.tmp`, `previous.bin.${process.ppid}.tmp`, "notes.tmp"];
  mkdirSync(join(folder, "checkpoint"));
  for (const name of names) writeFileSync(join(folder, "checkpoint", name), "half");
  writeFileSync(join(folder, `metrics.jsonl.${ended}.tmp`), "half");
  // A killed process of a container that was started again had this one's number.
  writeFileSync(join(folder, `model.json.${process.pid}.tmp`), "half");
  await removeHalfFiles(folder);
  expect(readdirSync(folder)).toEqual(["checkpoint"]);
  expect(readdirSync(join(folder, "checkpoint")).sort()).toEqual(["last.bin", "notes.tmp", names[2]]);
});
