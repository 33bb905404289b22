import { createLandmarkModel } from "@acr/backbones";
import { doctor, setupBackend } from "@acr/backend";
import { renderTable } from "@acr/report";
import { parseRecipe, trainingMemory } from "@acr/trainer";
import { Command } from "commander";
import { printJson } from "../internal/print-json.js";

/** `acr doctor`: which backends work here, their versions and measured speed. */
export function doctorCommand(): Command {
  return new Command("doctor")
    .description("show which backends work here, and how fast they train")
    .option("--json", "print one JSON document")
    .addHelpText("after", "\nExample:\n  acr doctor")
    .action(async ({ json }: { json?: boolean }) => {
      const result = await doctor();
      const { name } = await setupBackend({});
      const memory = defaultTrainingMemory(name);
      if (json) return printJson({ ...result, memory });
      const rows = result.backends.map((backend) => ({
        backend: backend.name,
        state: backend.available ? "works" : "not available",
        version: backend.version ?? "",
        threads: backend.threads ?? "",
        "training ms/image": backend.millisecondsPerImage?.toFixed(1) ?? "",
        notes: backend.available
          ? [backend.description, backend.note].filter(Boolean).join("; ")
          : (backend.reason ?? ""),
      }));
      const { backbone, imageSize, availableBytes, largestBatch } = memory;
      process.stdout.write(
        `${renderTable(rows, { format: "text" })}\nChosen by default: ${result.chosen ?? "none"}\nGPU: ${result.gpu}\nMemory: ${(availableBytes / 2 ** 30).toFixed(1)} GB for training; ${backbone} at ${imageSize} px fits with batches of up to ${largestBatch}\n`,
      );
    });
}

/** What the default recipe could train here. */
function defaultTrainingMemory(backend: string) {
  const { backbone, imageSize, batchSize } = parseRecipe({});
  const model = createLandmarkModel({ backbone, imageSize, landmarkCount: 68 });
  try {
    return { backbone, imageSize, batchSize, ...trainingMemory(model, { batchSize, backend }) };
  } finally {
    model.dispose();
  }
}
