import type { FaceDataset } from "@acr/core";
import { type DataFault, inspectDataset } from "@acr/datasets";
import { openDataset, parseRecipe } from "@acr/trainer";
import { Command } from "commander";
import { addDatasetOptions, type DatasetOptions } from "../internal/dataset-options.js";
import { printJson } from "../internal/print-json.js";
import { dataSynthCommand } from "./data-synth.js";

const SHOWN_FAULTS = 20;

/** `acr data …`: look at a data set before training on it, or make one. */
export function dataCommand(): Command {
  const data = new Command("data").description("look at data sets and make them");
  data.addCommand(
    addDatasetOptions(new Command("inspect").description("count faces and list faults with file and line"), "train")
      .option("--json", "print one JSON document")
      .addHelpText("after", "\nExample:\n  acr data inspect --dataset 300w --root ./300w --split train")
      .action(async ({ dataset, root, split, json }: DatasetOptions & { json?: boolean }) => {
        const inspection = await inspect({ dataset, root, split });
        if (json) return printJson(inspection);
        const { count, faults } = inspection;
        process.stdout.write(`${dataset} ${split}: ${count} faces, ${faults.length} faults\n`);
        for (const { file, line, message } of faults.slice(0, SHOWN_FAULTS)) {
          process.stdout.write(`  ${file}${line === undefined ? "" : `:${line}`}: ${message}\n`);
        }
        if (faults.length > SHOWN_FAULTS)
          process.stdout.write(`  … and ${faults.length - SHOWN_FAULTS} more (--json lists all)\n`);
      }),
  );
  data.addCommand(dataSynthCommand());
  return data;
}

async function inspect({ dataset, root, split }: Pick<DatasetOptions, "dataset" | "root" | "split">) {
  // parseRecipe knows which data sets exist and which need a root.
  const recipe = parseRecipe({ dataset, root, skipFaulty: true });
  if (recipe.dataset === "300w" || recipe.dataset === "points") {
    return { dataset, split, ...(await inspectDataset({ dataset: recipe.dataset, root: recipe.root!, split })) };
  }
  // The other readers list what they left out.
  const faces: FaceDataset & { faults?: readonly DataFault[] } = await openDataset(recipe, split);
  return { dataset, split, scheme: faces.scheme.id, count: faces.length, faults: faces.faults ?? [] };
}
