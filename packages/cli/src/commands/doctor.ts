import { createLandmarkModel } from "@acr/backbones";
import { type BackendDiagnosis, type BackendInfo, doctor, setupBackend } from "@acr/backend";
import { renderTable } from "@acr/report";
import { parseRecipe, trainingLimits, trainingMemory } from "@acr/trainer";
import { Command } from "commander";
import { addWideOption } from "../internal/add-wide-option.js";
import { parsePositive } from "../internal/parsers.js";
import { printJson } from "../internal/print-json.js";

/** `acr doctor`: which backends work here, their versions and measured speed. */
export function doctorCommand(): Command {
  return addWideOption(new Command("doctor"))
    .description("show which backends work here, and how fast they train")
    .option("--seconds <n>", "time for measuring, all backends together", parsePositive, 10)
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nIn --json, memory is that of the default recipe; availableBytes and largestBatch are null where the graphics processor does not tell.\n\nExample:\n  acr doctor",
    )
    .action(async ({ json, seconds }: { json?: boolean; seconds: number }) => {
      const result = await doctor({ seconds });
      const memory = defaultTrainingMemory(await setupBackend({}));
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
      process.stdout.write(
        `${renderTable(rows, { format: "text" })}\nChosen by default: ${result.chosen ?? "none"}\nGPU: ${result.gpu}\n256-bit registers: ${wideText(result.backends)}\nMemory: ${memoryText(memory)}\n`,
      );
    });
}

function wideText(backends: BackendDiagnosis[]): string {
  const wasm = backends.find(({ name }) => name === "wasm");
  if (!wasm?.available) return "wasm is not available";
  if (wasm.wideRegisters === undefined) return "not asked for; --wide or ACR_WIDE_REGISTERS=1 tries them";
  return wasm.wideRegisters ? "in use" : "asked for, not in use (see the notes of wasm)";
}

function memoryText(memory: ReturnType<typeof defaultTrainingMemory>): string {
  const { backbone, imageSize, availableBytes, largestBatch } = memory;
  if (availableBytes === null) return "the graphics processor does not tell what is free";
  return `${(availableBytes / 2 ** 30).toFixed(1)} GB for training; ${backbone} at ${imageSize} px fits with batches of up to ${largestBatch}`;
}

/** What the default recipe could train here. */
function defaultTrainingMemory(backend: BackendInfo) {
  const { backbone, imageSize, batchSize } = parseRecipe({});
  const model = createLandmarkModel({ backbone, imageSize, landmarkCount: 68 });
  try {
    return { backbone, imageSize, batchSize, ...trainingMemory(model, { batchSize, ...trainingLimits(backend) }) };
  } finally {
    model.dispose();
  }
}
