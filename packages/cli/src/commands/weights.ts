import { inspectWeights, type WeightsInspection } from "@acr/backbones";
import { renderTable } from "@acr/report";
import { Command } from "commander";
import { printJson } from "../internal/print-json.js";

/** `acr weights …`: look into files of weights. */
export function weightsCommand(): Command {
  const weights = new Command("weights").description("look into weights of Keras and PyTorch");
  weights.addCommand(
    new Command("inspect")
      .description("list the layers, shapes and ranges of a file of weights, and the backbones it may be for")
      .argument("<file>", "a .h5, .weights.h5, .keras or .safetensors file, or the URL of one")
      .option("--json", "print one JSON document")
      .addHelpText("after", "\nExample:\n  acr weights inspect mobilenet_v2.weights.h5")
      .action(async (file: string, { json }: { json?: boolean }) => {
        const found = await inspectWeights(file);
        if (json) printJson({ file, ...found });
        else process.stdout.write(describe(file, found));
      }),
  );
  return weights;
}

function describe(
  file: string,
  { kind, parameterCount, nonFiniteCount, backbones, layers }: WeightsInspection,
): string {
  const rows = layers.flatMap(({ name, arrays }) =>
    arrays.map((array, i) => ({
      layer: i === 0 ? name : "",
      array: array.name,
      shape: `[${array.shape.join(", ")}]`,
      from: Number.isNaN(array.minimum) ? "" : array.minimum.toPrecision(4),
      to: Number.isNaN(array.maximum) ? "" : array.maximum.toPrecision(4),
      "not finite": array.nonFiniteCount > 0 ? array.nonFiniteCount : "",
    })),
  );
  const lines = [
    `${file}: ${kind}, ${layers.length} layers, ${parameterCount.toLocaleString("en")} parameters`,
    backbones.length > 0 ? `as many as ${backbones.join(", ")}` : "as many as no backbone here",
    ...(nonFiniteCount > 0 ? [`${nonFiniteCount} values are not finite: it would be refused`] : []),
  ];
  return `${renderTable(rows, { format: "text" })}\n${lines.join("\n")}\n`;
}
