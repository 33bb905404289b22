import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { jestProject } from "./tools/jest/preset.mjs";

const folder = (path) => fileURLToPath(new URL(path, import.meta.url));
const packages = readdirSync(folder("./packages")).filter((name) =>
  existsSync(folder(`./packages/${name}/package.json`)),
);

export default {
  projects: packages.map((name) => jestProject(name, folder(`./packages/${name}`))),
  maxWorkers: 2,
  // Long enough for a busy machine: it ends what hangs and judges no speed.
  testTimeout: 300_000,
};
