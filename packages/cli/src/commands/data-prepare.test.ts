import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertDataset } from "@acr/datasets";
import { createSyntheticFaces } from "@acr/synthetic";
import { childProcesses } from "@acr/testing";

jest.setTimeout(120_000);

const root = mkdtempSync(join(tmpdir(), "acr-prepare-"));
const { start } = childProcesses();
beforeAll(() =>
  convertDataset(createSyntheticFaces({ count: 150, imageSize: 160 }), { to: "pts", out: join(root, "faces") }),
);
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Runs the built `acr data prepare` in a process of its own and sends a signal as soon as it has begun to write. */
function prepare(folder: string, signal?: NodeJS.Signals) {
  const bin = join(__dirname, "../../bin/acr.js");
  const faces = ["--dataset", "points", "--root", join(root, "faces"), "--out", join(folder, "faces.acr"), "--force"];
  const child = start(process.execPath, [bin, "data", "prepare", ...faces], { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr!.on("data", (text) => {
    errors += text;
  });
  const isWriting = () => readdirSync(folder).some((name) => name.endsWith(".tmp"));
  const watch = setInterval(() => {
    if (signal && isWriting()) {
      clearInterval(watch);
      child.kill(signal);
    }
  }, 2);
  return new Promise<{ code: number | null; errors: string }>((resolve) =>
    child.once("close", (code) => {
      clearInterval(watch);
      resolve({ code, errors });
    }),
  );
}

const onPosix = process.platform === "win32" ? it.skip : it;

onPosix.each(["SIGINT", "SIGTERM"] as const)(
  "acr data prepare leaves nothing behind on %s, and the file of before as it was",
  async (signal) => {
    const folder = join(root, signal);
    mkdirSync(folder);
    const first = await prepare(folder, signal);
    expect(first).toMatchObject({ code: 130, errors: expect.stringContaining("stopping after this face") });
    expect(readdirSync(folder)).toEqual([]);

    expect((await prepare(folder)).code).toBe(0);
    expect(existsSync(join(folder, "faces.acr"))).toBe(true);
    const before = readFileSync(join(folder, "faces.acr"));
    expect((await prepare(folder, signal)).code).toBe(130);
    expect(readdirSync(folder)).toEqual(["faces.acr"]);
    expect(readFileSync(join(folder, "faces.acr")).equals(before)).toBe(true);
  },
);
