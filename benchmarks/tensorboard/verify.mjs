// Writes every kind of event, reads them back with TensorBoard's own reader, and compares.
//
//   python3 -m venv .venv && .venv/bin/pip install tensorboard==2.21.0
//   node benchmarks/tensorboard/verify.mjs .venv/bin/python
//
// Needs the built packages. Exits 1 at the first difference.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { TensorBoardWriter, train } from "@acr/trainer";

const python = process.argv[2] ?? "python3";
const folder = mkdtempSync(join(tmpdir(), "acr-tensorboard-"));
try {
  const log = await TensorBoardWriter.open(join(folder, "made", "logs"), { suffix: "1" });
  for (let step = 0; step < 1000; step++) log.scalar("curve", Math.sin(step / 50), step);
  log.scalar("far", 1.5, 5_000_000_000);
  log.histogram("weights", [-1, 0, 0.5, 1, 1], { step: 3, bins: 4 });
  log.text("note", "**bold** é 漢", 0);
  log.hyperparameters({ loss: "acr", scale: 10, resumed: false }, ["curve"]);
  log.endSession("success");
  await log.close();
  // A resumed run: steps from 900 on are written anew.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const again = await TensorBoardWriter.open(join(folder, "made", "logs"), { suffix: "2" });
  again.restart(900);
  for (let step = 900; step < 950; step++) again.scalar("curve", 7, step);
  await again.close();

  const recipe = {
    synthetic: { trainCount: 8, valCount: 4 },
    backbone: "mobilenet_v2_035",
    imageSize: 32,
    epochs: 2,
    batchSize: 4,
    logs: { samplesEvery: 1, histogramsEvery: 1, everySteps: 1 },
  };
  for await (const event of train({ recipe, folder: join(folder, "trained") }))
    if (event.type === "epoch") console.log(`trained epoch ${event.epoch}`);
  const reader = fileURLToPath(new URL("verify.py", import.meta.url));
  process.stdout.write(
    execFileSync(python, [reader, folder], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
