import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { renderTable } from "@acr/report";
import type { RecipeInput } from "@acr/trainer";
import { runTraining, setPath } from "./commands/train.js";
import { reportErrors } from "./internal/report-errors.js";
import { createRunReport, renderReport } from "./internal/run-report.js";

/** Options of `compareLosses`. */
export interface CompareLossesOptions {
  /** New folder for the runs and the report. */
  folder: string;
  /** Names of losses. */
  losses: readonly string[];
  /** `path=value` for the recipe of every run. */
  assignments?: readonly string[];
}

/** Small enough for a few minutes on two cores, large enough to learn. */
const RECIPE: RecipeInput = {
  dataset: "synthetic",
  synthetic: { trainCount: 1500, valCount: 200 },
  backbone: "mobilenet_v2_035",
  // Reads landmarks from heat maps: in so few steps it gets twice as close as the pooled head.
  head: "integral",
  imageSize: 96,
  epochs: 8,
  batchSize: 16,
  seed: 1,
  learningRateSchedule: { name: "cosine", warmupSteps: 60 },
};

/**
 * Trains one model for each loss, same data and seed, prints a table and writes `report.html`.
 *
 * @returns the exit code, as the `acr` command's.
 * @example await compareLosses({ folder: "runs/compare", losses: ["l2", "acr"] });
 */
export function compareLosses({ folder, losses, assignments = [] }: CompareLossesOptions): Promise<number> {
  return reportErrors(async () => {
    const folders: string[] = [];
    for (const loss of losses) {
      const recipe = structuredClone(RECIPE) as Record<string, unknown>;
      for (const assignment of assignments) setPath(recipe, assignment);
      const run = join(folder, loss);
      const { finished } = await runTraining({ recipe: { ...recipe, loss }, folder: run, title: loss });
      if (!finished) return 130;
      folders.push(run);
    }
    const title = `${losses.join(" against ")} on held-out synthetic faces`;
    const input = await createRunReport(
      folders,
      { dataset: "synthetic", split: "test", skipFaulty: false },
      { title, names: losses },
    );
    const report = join(folder, "report.html");
    await writeFile(report, await renderReport(input));
    const rows = input.runs.map(({ name, evaluation, seconds }) => ({
      loss: name,
      "NME %": evaluation.nmePercent.toFixed(2),
      "failures %": evaluation.failureRatePercent.toFixed(2),
      "AUC@0.1": evaluation.auc.toFixed(4),
      seconds: seconds?.toFixed(0) ?? "",
    }));
    process.stdout.write(`\n${renderTable(rows, { format: "text" })}\n\nreport: ${report}\n`);
    return 0;
  });
}
