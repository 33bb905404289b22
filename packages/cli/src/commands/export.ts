import { join } from "node:path";
import { exportOnnx, exportTfjs, fetchWeights, saveKerasModel, saveKerasWeights } from "@acr/backbones";
import { InvalidArgumentError } from "@acr/core";
import { loadRun, type Run } from "@acr/trainer";
import { Command, Option } from "commander";
import { printJson } from "../internal/print-json.js";
import { checkNewFolder, writeFolder } from "../internal/write-folder.js";

interface ExportFlags {
  run: string;
  format: "tfjs" | "keras" | "onnx";
  out: string;
  layout?: "nhwc" | "nchw";
  foldBatchNorm?: boolean;
  quantize?: "float16" | "uint8";
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
    .addOption(
      new Option(
        "--quantize <how>",
        "smaller weights, tfjs only: float16 (half the bytes) or uint8 (a quarter, less exact)",
      ).choices(["float16", "uint8"]),
    )
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nExamples:\n  acr export --run runs/first --format tfjs --quantize float16 --out exported\n  acr export --run runs/first --format onnx --layout nchw --fold-batch-norm --out exported\n  acr export --run runs/first --format keras --out exported",
    )
    .action(async (flags: ExportFlags) => {
      const { format, out, layout, foldBatchNorm, quantize, json } = flags;
      if (format !== "onnx" && (layout !== undefined || foldBatchNorm)) {
        throw new InvalidArgumentError(
          `acr export: --layout and --fold-batch-norm are for --format onnx; got --format ${format}.`,
        );
      }
      if (format !== "tfjs" && quantize !== undefined)
        throw new InvalidArgumentError(`acr export: --quantize is for --format tfjs; got --format ${format}.`);
      await checkNewFolder("acr export: --out", out);
      const run = await loadRun(flags.run);
      try {
        const about = description(run, layout ?? "nhwc");
        const files = {
          ...(await contents(run, flags)),
          "landmarks.json": `${JSON.stringify(about, null, 2)}\n`,
        };
        await writeFolder(out, files);
        const result = { run: flags.run, format, out, files: Object.keys(files), ...about };
        if (json) printJson(result);
        else process.stdout.write(`${result.files.map((file) => join(out, file)).join("\n")}\n`);
      } finally {
        run.dispose();
      }
    });
}

async function contents(
  { model }: Run,
  { format, layout, foldBatchNorm, quantize }: ExportFlags,
): Promise<Record<string, Uint8Array>> {
  if (format === "tfjs") return { ...(await exportTfjs(model, { quantize })) };
  if (format === "keras")
    return { "model.keras": await saveKerasModel(model), "model.weights.h5": await saveKerasWeights(model) };
  await fetchWeights(model);
  return { "model.onnx": exportOnnx(model, { layout, foldBatchNorm }) };
}
