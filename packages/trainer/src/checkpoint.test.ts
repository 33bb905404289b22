import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StorageError } from "@acr/core";
import { type Checkpoint, loadCheckpoint, loadNewestCheckpoint, saveCheckpoint } from "./checkpoint.js";

const folder = mkdtempSync(join(tmpdir(), "acr-checkpoint-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const checkpoint = (step: number): Checkpoint => ({
  epoch: 1,
  batch: 2,
  step,
  lossSum: 0.1 + 0.2,
  optimizerStep: step,
  best: { epoch: 1, nmePercent: 5.25 },
  history: [],
  random: { seed: 4, epoch: 1, step },
  seconds: 12.5,
  arrays: {
    "weight/a": Float32Array.of(1.5, -0, Number.NaN, 3e-45),
    "slot/m/é": new Float32Array(0),
    b: Float32Array.of(7),
  },
});

it("loadCheckpoint(path) gives back what saveCheckpoint(path, …) was given, bit for bit", async () => {
  const path = join(folder, "a.bin");
  await saveCheckpoint(path, checkpoint(9));
  const loaded = await loadCheckpoint(path);
  expect(loaded).toEqual(checkpoint(9));
  expect(Buffer.from(loaded.arrays["weight/a"]!.buffer).toString("hex")).toBe(
    Buffer.from(checkpoint(9).arrays["weight/a"]!.buffer).toString("hex"),
  );
  expect(readdirSync(folder)).toEqual(["a.bin"]);
});

it("loadCheckpoint(path) refuses a file of any other length and any changed byte", async () => {
  const path = join(folder, "b.bin");
  await saveCheckpoint(path, checkpoint(9));
  const bytes = readFileSync(path);
  for (let length = 0; length < bytes.length; length += 13) {
    writeFileSync(path, bytes.subarray(0, length));
    await expect(loadCheckpoint(path)).rejects.toMatchObject({ code: "ACR_DATA_FORMAT" });
  }
  for (let i = 0; i < bytes.length; i += 7) {
    const changed = Buffer.from(bytes);
    changed[i]! ^= 0x20;
    writeFileSync(path, changed);
    await expect(loadCheckpoint(path)).rejects.toMatchObject({ code: "ACR_DATA_FORMAT" });
  }
});

it("saveCheckpoint(path, …, { previousPath }) keeps the file it replaces, and loadNewestCheckpoint falls back to it", async () => {
  const files = { checkpoint: join(folder, "last.bin"), previousCheckpoint: join(folder, "previous.bin") };
  expect(await loadNewestCheckpoint(files)).toBeUndefined();
  for (const step of [1, 2, 3]) {
    await saveCheckpoint(files.checkpoint, checkpoint(step), { previousPath: files.previousCheckpoint });
  }
  expect((await loadNewestCheckpoint(files))?.checkpoint.step).toBe(3);
  expect((await loadCheckpoint(files.previousCheckpoint)).step).toBe(2);

  truncateSync(files.checkpoint, 100);
  const found = await loadNewestCheckpoint(files);
  expect(found?.checkpoint.step).toBe(2);
  expect(found?.fault).toContain("damaged or cut short");

  truncateSync(files.previousCheckpoint, 100);
  await expect(loadNewestCheckpoint(files)).rejects.toThrow("no checkpoint of this run can be read");
});

/** A device on which every write fails as on a full disk. */
const hasFullDevice = process.platform === "linux";

(hasFullDevice ? it : it.skip)("saveCheckpoint on a full disk says so and leaves the last one intact", async () => {
  const path = join(folder, "full.bin");
  await saveCheckpoint(path, checkpoint(1));
  const temporary = `${path}.${process.pid}.tmp`;
  symlinkSync("/dev/full", temporary);
  const attempt = saveCheckpoint(path, checkpoint(2));
  await expect(attempt).rejects.toBeInstanceOf(StorageError);
  await expect(attempt).rejects.toThrow("the disk is full");
  expect((await loadCheckpoint(path)).step).toBe(1);
  expect(readdirSync(folder).some((name) => name.endsWith(".tmp"))).toBe(false);
});

it("saveCheckpoint below a file is a StorageError that names the path", async () => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  await expect(saveCheckpoint(join(file, "last.bin"), checkpoint(1))).rejects.toThrow(
    /cannot write .*last\.bin: a part of the path is a file/,
  );
});
