import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadCheckpoint, type RecipeInput, runFiles } from "./index.js";

jest.setTimeout(240_000);

const root = mkdtempSync(join(tmpdir(), "acr-faults-"));
const mounts: string[] = [];
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  for (const folder of mounts) spawnSync("umount", ["-l", folder]);
  rmSync(root, { recursive: true, force: true });
});

/** A small disk of its own; needs root and Linux. */
function mount(name: string, megabytes: number): string | undefined {
  const folder = join(root, name);
  mkdirSync(folder);
  if (spawnSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "none", folder]).status !== 0) return undefined;
  mounts.push(folder);
  return folder;
}
const canMount = (() => {
  const probe = mount("probe", 1);
  if (!probe) console.warn("tmpfs cannot be mounted here: the tests of full and read-only disks are skipped.");
  return probe !== undefined;
})();
const withMount = canMount ? it : it.skip;
const onLinux = process.platform === "linux" ? it : it.skip;

const RECIPE: RecipeInput = {
  ...{ synthetic: { trainCount: 8, valCount: 4 }, backbone: "mobilenet_v2_035", imageSize: 32, loss: "l1", epochs: 3 },
  ...{ batchSize: 4, logs: { samplesEvery: 0, histogramsEvery: 0 }, backend: "wasm", threads: 1 },
};

/** Trains in a process of its own below a shell prefix; `onEvent` sees each event. */
async function trainBelow(
  prefix: string,
  folder: string,
  recipe: RecipeInput | "resume",
  onEvent: (event: { type: string; epoch?: number }) => void = () => undefined,
): Promise<{ code: number | null; err: string }> {
  const script = join(__dirname, "__fixtures__", "train-child.mjs");
  const command = `${prefix} exec "$0" "$@"`;
  const args = [process.execPath, script, folder, recipe === "resume" ? recipe : JSON.stringify(recipe)];
  const child = spawn("bash", ["-c", command, ...args], { stdio: ["ignore", "pipe", "pipe"], cwd: __dirname });
  children.push(child);
  let err = "";
  let text = "";
  child.stderr.on("data", (part) => {
    err += part;
  });
  child.stdout.on("data", (part) => {
    const lines = `${text}${part}`.split("\n");
    text = lines.pop()!;
    for (const line of lines) onEvent(JSON.parse(line));
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, err };
}

const weightsOf = async (folder: string) => {
  const { arrays, epoch } = await loadCheckpoint(runFiles(folder).checkpoint);
  return { epoch, bytes: Buffer.concat(Object.values(arrays).map((array) => Buffer.from(array.buffer))) };
};
const leftovers = (folder: string) =>
  (readdirSync(folder, { recursive: true }) as string[]).filter((name) => name.endsWith(".tmp"));

describe("a run that cannot write", () => {
  const whole = join(root, "whole");
  let expected: Buffer;
  let size = 0;
  beforeAll(async () => {
    expect(await trainBelow("", whole, RECIPE)).toMatchObject({ code: 0 });
    expected = (await weightsOf(whole)).bytes;
    size = statSync(runFiles(whole).checkpoint).size;
  });

  /** The error, the checkpoint of before, and, with the cause gone, the same end as without it. */
  async function expectIntact(folder: string, { code, err }: { code: number | null; err: string }, reason: string) {
    expect(code).toBe(1);
    expect(err).toContain("StorageError");
    expect(err).toContain(reason);
    expect(err).toContain("continue with --resume");
    expect([1, 2]).toContain((await weightsOf(folder)).epoch);
  }

  onLinux("because files may not grow so large (ulimit -f) says so and keeps its last checkpoint", async () => {
    const folder = join(root, "limited");
    // Killed behind its first epoch; goes on where no file may be as large as a checkpoint.
    await trainBelow("", folder, RECIPE, ({ type, epoch }) => {
      if (type === "step" && epoch === 2) children.at(-1)!.kill("SIGKILL");
    });
    const limit = `trap '' XFSZ; ulimit -f ${Math.floor(size / 1024 / 2)};`;
    await expectIntact(folder, await trainBelow(limit, folder, "resume"), "larger than this machine allows");
    expect(leftovers(folder)).toEqual([]);
    expect(await trainBelow("", folder, "resume")).toMatchObject({ code: 0 });
    expect((await weightsOf(folder)).bytes.equals(expected)).toBe(true);
  });

  withMount(
    "because the disk is full says so, keeps its last checkpoint and ends as it would have with more room",
    async () => {
      // Room for the model and two checkpoints, but not for the third that lies there for a moment.
      const disk = mount("full", Math.ceil((2.6 * size) / 1e6))!;
      const folder = join(disk, "run");
      await expectIntact(folder, await trainBelow("", folder, RECIPE), "the disk is full");
      expect(leftovers(folder)).toEqual([]);
      expect(spawnSync("mount", ["-o", "remount,size=64m", disk]).status).toBe(0);
      expect(await trainBelow("", folder, "resume")).toMatchObject({ code: 0 });
      expect((await weightsOf(folder)).bytes.equals(expected)).toBe(true);
    },
  );

  withMount("because the folder has become read-only says so and keeps its last checkpoint", async () => {
    const disk = mount("read-only", 64)!;
    const folder = join(disk, "run");
    let isLocked = false;
    // While a file is open for writing the disk stays as it is; there is another step.
    const lock = () => {
      isLocked ||= spawnSync("mount", ["-o", "remount,ro", disk]).status === 0;
    };
    const recipe = { ...RECIPE, logs: { tensorboard: false } };
    const result = await trainBelow("", folder, recipe, ({ type, epoch }) => {
      if (type === "step" && epoch! > 1) lock();
    });
    expect(isLocked).toBe(true);
    await expectIntact(folder, result, "read-only");
    spawnSync("mount", ["-o", "remount,rw", disk]);
    expect(await trainBelow("", folder, "resume")).toMatchObject({ code: 0 });
    expect((await weightsOf(folder)).bytes.equals(expected)).toBe(true);
  });

  withMount("anywhere in a read-only folder says so before it trains", async () => {
    const disk = mount("locked", 4)!;
    spawnSync("mount", ["-o", "remount,ro", disk]);
    const { code, err } = await trainBelow("", join(disk, "run"), RECIPE);
    expect(code).toBe(1);
    expect(err).toMatch(/StorageError: cannot make the folder .*run: .*read-only/);
  });
});
