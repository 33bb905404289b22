import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { holdRunFolder } from "./hold-run-folder.js";

const folder = mkdtempSync(join(tmpdir(), "acr-hold-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => expect(readdirSync(folder)).toEqual([]));

const mark = (processId: number | undefined) => join(folder, `training.${processId}.tmp`);

it("holdRunFolder(folder) refuses a second training of this process until the first lets go", async () => {
  const { release } = await holdRunFolder(folder);
  await expect(holdRunFolder(join(folder, "."))).rejects.toThrow("train: this process is training into");
  await release();
  await (await holdRunFolder(folder)).release();
});

it("refuses while another process trains there, says which, and goes on once that has ended", async () => {
  const other = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"]);
  writeFileSync(mark(other.pid), "");
  await expect(holdRunFolder(folder)).rejects.toThrow(`train: process ${other.pid} is training into "${folder}"`);
  expect(readdirSync(folder)).toEqual([`training.${other.pid}.tmp`]);
  other.kill("SIGKILL");
  await once(other, "exit");
  const { release } = await holdRunFolder(folder);
  expect(existsSync(mark(other.pid))).toBe(false);
  await release();
});

it("takes over the mark of a dead process that had this one's number, as in a restarted container", async () => {
  writeFileSync(mark(process.pid), "");
  await (await holdRunFolder(folder)).release();
});

it("takes away what killed processes left half written", async () => {
  const { pid } = spawnSync(process.execPath, ["--version"]);
  writeFileSync(join(folder, `last.bin.${pid}.tmp`), "half");
  await (await holdRunFolder(folder)).release();
});

it("says what is wrong with a folder that cannot be written to", async () => {
  await expect(holdRunFolder(join(folder, "absent"))).rejects.toThrow(join(folder, "absent"));
});
