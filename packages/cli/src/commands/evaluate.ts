import { setupBackend } from "@acr/backend";
import { renderTable } from "@acr/report";
import { evaluateModel, loadRun, openDataset } from "@acr/trainer";
import { Command } from "commander";
import { addDatasetOptions, type DatasetOptions } from "../internal/dataset-options.js";
import { printJson } from "../internal/print-json.js";

interface EvaluateFlags extends DatasetOptions {
  run: string;
  backend?: string;
  json?: boolean;
}

/** `acr evaluate`: scores a trained model on a split. */
export function evaluateCommand(): Command {
  const command = new Command("evaluate")
    .description("score a trained model on a data set")
    .requiredOption("--run <folder>", "the run folder")
    .option("--backend <name>", "tfjs backend (default: the best one here)")
    .option("--json", "print one JSON document");
  return addDatasetOptions(command, "test")
    .addHelpText(
      "after",
      "\nExample:\n  acr evaluate --run runs/first --dataset 300w --root ./300w --split lfpw/testset --json",
    )
    .action(async ({ run: folder, dataset, root, split, skipFaulty, backend, json }: EvaluateFlags) => {
      const run = await loadRun(folder, { backend: () => setupBackend({ prefer: backend ? [backend] : undefined }) });
      try {
        const faces = await openDataset({ ...run.recipe, dataset, root, skipFaulty }, split);
        const { metrics, ids } = await evaluateModel(run.fused, faces, run.recipe);
        const { count, nmePercent, medianPercent, failureRatePercent, auc, ...rest } = metrics;
        const scores = { count, nmePercent, medianPercent, failureRatePercent, auc };
        if (json)
          return printJson({
            dataset,
            split,
            scheme: faces.scheme.id,
            normalizer: run.recipe.normalizer,
            ...scores,
            ...rest,
            ids,
          });
        const row = {
          split: `${dataset} ${split}`,
          faces: count,
          "NME %": nmePercent.toFixed(2),
          "median %": medianPercent.toFixed(2),
          "failures %": failureRatePercent.toFixed(2),
          "AUC@0.1": auc.toFixed(4),
        };
        process.stdout.write(`${renderTable([row], { format: "text" })}\n`);
      } finally {
        run.dispose();
      }
    });
}
