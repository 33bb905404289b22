import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { exportOnnx, saveKerasModel, saveKerasWeights } from "@acr/backbones";
import { InvalidArgumentError } from "@acr/core";
import { loadRun, type Run, saveModel } from "@acr/trainer";
import { Command, Option } from "commander";
import { printJson } from "../internal/print-json.js";
import { writeOutput } from "../internal/write-output.js";

interface ExportFlags {
  run: string;
  format: "tfjs" | "keras" | "onnx";
  out: string;
  layout?: "nhwc" | "nchw";
  foldBatchNorm?: boolean;
  json?: boolean;
}

/** What the written files need to be used without this project. */
function description({ recipe, scheme }: Run, layout: string): object {
  const { imageSize, backbone, head } = recipe;
  return {
    backbone,
    head,
    scheme: scheme.id,
    input: { layout, imageSize, values: "RGB, 0 to 255; preprocessing is inside" },
    output: {
      shape: ["batch", scheme.landmarkCount, 2],
      frame: "centered: crop side = 1, centre = 0, x right, y down",
    },
  };
}

/** `acr export`: the model of a run in another format. */
export function exportCommand(): Command {
  return new Command("export")
    .description("write the model of a run for other programs")
    .requiredOption("--run <folder>", "the run folder")
    .addOption(
      new Option("--format <name>", "tfjs (LayersModel), keras (.keras and .weights.h5) or onnx (opset 17)")
        .choices(["tfjs", "keras", "onnx"])
        .makeOptionMandatory(),
    )
    .requiredOption("--out <folder>", "a new or empty folder")
    .addOption(new Option("--layout <name>", "of the pictures, onnx only (default: nhwc)").choices(["nhwc", "nchw"]))
    .option("--fold-batch-norm", "multiply BatchNorm into the convolutions, onnx only")
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExamples:\n  acr export --run runs/first --format onnx --layout nchw --fold-batch-norm --out exported\n  acr export --run runs/first --format keras --out exported",
    )
    .action(async (flags: ExportFlags) => {
      const { format, out, layout, foldBatchNorm, json } = flags;
      if (format !== "onnx" && (layout !== undefined || foldBatchNorm)) {
        throw new InvalidArgumentError(
          `acr export: --layout and --fold-batch-norm are for --format onnx; got --format ${format}.`,
        );
      }
      const present = await readdir(out).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === "ENOENT") return [];
        throw new InvalidArgumentError(`acr export: --out "${out}" is no folder; expected a new or empty one.`, {
          cause,
        });
      });
      if (present.length > 0) {
        throw new InvalidArgumentError(
          `acr export: --out "${out}" is not empty: nothing is overwritten. Name a new folder.`,
        );
      }
      const run = await loadRun(flags.run);
      try {
        await mkdir(out, { recursive: true });
        const files = await write(run, flags);
        const about = description(run, layout ?? "nhwc");
        await writeOutput(join(out, "landmarks.json"), `${JSON.stringify(about, null, 2)}\n`);
        const result = { run: flags.run, format, out, files: [...files, "landmarks.json"], ...about };
        if (json) printJson(result);
        else process.stdout.write(`${result.files.map((file) => join(out, file)).join("\n")}\n`);
      } finally {
        run.dispose();
      }
    });
}

async function write({ model }: Run, { format, out, layout, foldBatchNorm }: ExportFlags): Promise<string[]> {
  if (format === "tfjs") {
    await saveModel(model, out);
    return ["model.json", "weights.bin"];
  }
  if (format === "keras") {
    await saveKerasModel(model, join(out, "model.keras"));
    await saveKerasWeights(model, join(out, "model.weights.h5"));
    return ["model.keras", "model.weights.h5"];
  }
  await writeOutput(join(out, "model.onnx"), exportOnnx(model, { layout, foldBatchNorm }));
  return ["model.onnx"];
}
