import { readFile } from "node:fs/promises";
import { type ReportInput, renderReport } from "@acr/report";
import { evaluateModel, loadRun, openDataset, readHistory, runFiles } from "@acr/trainer";
import type { DatasetOptions } from "./dataset-options.js";

export { renderReport };

/** Faces shown of each run: the best, around the median, and the worst. */
const SAMPLES_EACH = 4;

/** Positions in a ranking of `count` faces that the report shows. */
function shownRanks(count: number): number[] {
  const around = (start: number) => Array.from({ length: SAMPLES_EACH }, (_, i) => start + i);
  const ranks = [...around(0), ...around(Math.floor((count - SAMPLES_EACH) / 2)), ...around(count - SAMPLES_EACH)];
  return [...new Set(ranks.filter((rank) => rank >= 0 && rank < count))];
}

/** Evaluates runs on one data set and gathers what the report shows. */
export async function createRunReport(
  folders: readonly string[],
  source: DatasetOptions,
  { title = "Landmark models compared", names = folders }: { title?: string; names?: readonly string[] } = {},
): Promise<ReportInput> {
  const runs: ReportInput["runs"] = [];
  let scheme: ReportInput["scheme"] | undefined;
  for (const [i, folder] of folders.entries()) {
    const run = await loadRun(folder);
    try {
      const faces = await openDataset({ ...run.recipe, ...source }, source.split);
      scheme ??= faces.scheme;
      const { metrics, predictions, targets } = await evaluateModel(run.fused, faces, run.recipe);
      const ranking = [...metrics.perFacePercent.keys()].sort(
        (a, b) => metrics.perFacePercent[a]! - metrics.perFacePercent[b]!,
      );
      const samples = [];
      for (const rank of shownRanks(ranking.length)) {
        const index = ranking[rank]!;
        const { id, image } = await faces.get(index);
        samples.push({
          id,
          image,
          predicted: [...predictions[index]!],
          target: Array.from(targets[index]!),
          nmePercent: metrics.perFacePercent[index]!,
        });
      }
      const history = await readHistory(folder);
      runs.push({
        name: names[i]!,
        recipe: run.recipe,
        environment: JSON.parse(await readFile(runFiles(folder).environment, "utf8")),
        history,
        evaluation: metrics,
        samples,
        seconds: history.at(-1)?.seconds,
      });
    } finally {
      run.dispose();
    }
  }
  return { title, runs, scheme: scheme! };
}
