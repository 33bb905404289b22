import { setupBackend } from "@acr/backend";
import { benchmarkStep } from "@acr/trainer";
import { Command, Option } from "commander";
import { addWideOption } from "../internal/add-wide-option.js";
import { gpuOption } from "../internal/gpu-option.js";
import { parseCount } from "../internal/parsers.js";
import { printJson } from "../internal/print-json.js";

interface BenchFlags {
  backbone: string;
  imageSize: number;
  batchSize: number;
  backend?: string;
  steps: number;
  threads?: number;
  gpu?: number;
  wide?: boolean;
  mode: "train" | "infer";
  json?: boolean;
}

/** `acr bench`: times real training or inference steps on random data. */
export function benchCommand(): Command {
  return addWideOption(new Command("bench"))
    .description("time training or inference steps on random data (medians)")
    .option("--backbone <name>", "e.g. mobilenet_v2_100", "mobilenet_v2_050")
    .option("--image-size <pixels>", "side of the square input", parseCount, 112)
    .option("--batch-size <n>", "images a step", parseCount, 16)
    .option("--backend <name>", "tfjs backend (default: the best one here)")
    .option("--steps <n>", "timed steps, after a second or two steps that are not", parseCount, 10)
    .option("--threads <n>", "threads of the backend", parseCount)
    .addOption(gpuOption())
    .addOption(new Option("--mode <mode>", "what to time").choices(["train", "infer"]).default("train"))
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExample:\n  acr bench --backbone mobilenet_v2_100 --image-size 224 --batch-size 8 --steps 10",
    )
    .action(async (flags: BenchFlags) => {
      const { backend: wanted, threads, gpu, wide: wideRegisters, json, ...options } = flags;
      const backend = await setupBackend({ prefer: wanted ? [wanted] : undefined, threads, gpu, wideRegisters });
      const result = { backend: backend.name, threads: backend.threads, ...(await benchmarkStep(options)) };
      if (json) return printJson(result);
      const { millisecondsPerImage, forward, backward, optimizer, peakMemoryMb } = result;
      process.stdout.write(
        `${options.mode} ${options.backbone} ${options.imageSize} px, batch ${options.batchSize}, ${backend.description}: ${millisecondsPerImage.toFixed(1)} ms/image ` +
          `(forward ${forward.toFixed(1)}, backward ${backward.toFixed(1)}, optimizer ${optimizer.toFixed(1)}), peak ${peakMemoryMb.toFixed(0)} MB\n`,
      );
    });
}
