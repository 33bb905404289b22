import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { childProcesses } from "@acr/testing";
import { StorageError } from "./index.js";
import { makeFolder } from "./make-folder.js";

const { children, runNode } = childProcesses();
const root = mkdtempSync(join(tmpdir(), "acr-make-folder-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const onLinux = process.platform === "linux" ? it : it.skip;

const LIMIT_MS = 30_000;

/** In a process of its own, which can be ended: Node's mkdir would block a thread for ever. Needs the built package. */
async function makeInChild(folder: string): Promise<string> {
  const script = `import { makeFolder } from "@acr/core/node";
    await makeFolder(${JSON.stringify(folder)}).then(() => console.log("made"), (e) => console.log(e.name + ": " + e.message));`;
  const end = runNode(["--input-type=module", "-e", script], { cwd: __dirname });
  const timer = setTimeout(() => children.at(-1)!.kill("SIGKILL"), LIMIT_MS);
  const { code, out, err } = await end;
  clearTimeout(timer);
  return code === null ? "still at it after half a minute" : out.trim() || err.trim();
}

it("makeFolder(path) makes every level that is not there, and leaves a folder that is", async () => {
  const folder = join(root, "a", "b", "c");
  await makeFolder(folder);
  writeFileSync(join(folder, "file"), "kept");
  await makeFolder(relative(process.cwd(), folder));
  await makeFolder(`${folder}/`);
  expect(readFileSync(join(folder, "file"), "utf8")).toBe("kept");
});

it("makeFolder(path) called several times at once makes one folder", async () => {
  const folder = join(root, "at", "once", "deep");
  await Promise.all(Array.from({ length: 20 }, () => makeFolder(folder)));
  expect(existsSync(folder)).toBe(true);
});

it("makeFolder(path) goes through a link to a folder", async () => {
  mkdirSync(join(root, "real"));
  symlinkSync(join(root, "real"), join(root, "link"));
  await makeFolder(join(root, "link", "inside"));
  expect(existsSync(join(root, "real", "inside"))).toBe(true);
});

it("makeFolder(path) says that a file is in the way, there or above, and where", async () => {
  writeFileSync(join(root, "file"), "");
  for (const name of ["file", "file/a/b"]) {
    const error = await makeFolder(join(root, name), { hint: "Name another." }).catch((e) => e);
    expect(StorageError.isInstance(error)).toBe(true);
    expect(error.message).toMatch(
      /^cannot make the folder .*: a part of the path is a file, not a folder\. Name another\.$/,
    );
  }
});

it("makeFolder(path) says that a link leads nowhere or round in a circle", async () => {
  symlinkSync(join(root, "nowhere"), join(root, "dangling"));
  symlinkSync(join(root, "circle"), join(root, "circle"));
  await expect(makeFolder(join(root, "dangling"))).rejects.toThrow("a file, or a link to nothing, has that name");
  await expect(makeFolder(join(root, "circle", "a"))).rejects.toThrow("its links go round in a circle");
  await expect(makeFolder(join(root, "x".repeat(300)))).rejects.toThrow("the name is too long");
});

onLinux("makeFolder(path) ends with an error where Node's recursive mkdir never does", async () => {
  expect(await makeInChild("/proc/acr/run")).toBe(
    "StorageError: cannot make the folder /proc/acr/run, at /proc/acr: its folder is not there and cannot be made.",
  );
});
