// Trains the same small model twice on synthetic faces, with L2 and with ACR, and compares them on held-out faces.
// Arguments after `--` go to both trainings as `--set` assignments, e.g. `npm start -- epochs=2`.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compareLosses } from "@acr/cli";

const runs = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "runs");
let folder = join(runs, "compare-losses");
for (let i = 2; existsSync(folder); i++) folder = join(runs, `compare-losses-${i}`);

process.exitCode = await compareLosses({ folder, losses: ["l2", "acr"], assignments: process.argv.slice(2) });
