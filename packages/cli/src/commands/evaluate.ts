import { evaluateSubsets, type NormalizerName, type SubsetSummary } from "@acr/metrics";
import { renderTable, type TableFormat, type TableRow } from "@acr/report";
import { Command, Option } from "commander";
import { addDatasetOptions, type DatasetOptions } from "../internal/dataset-options.js";
import { compareRuns, type EvaluatedRun, type EvaluatedRuns, evaluateRuns } from "../internal/evaluate-runs.js";
import { attributeSubsets, type FaceSubsets, protocolSubsets } from "../internal/face-subsets.js";
import { collect, parseCount, parseInteger, parseNoise, parsePositive } from "../internal/parsers.js";
import { printJson } from "../internal/print-json.js";
import { comparisonRow, scoreColumns } from "../internal/score-rows.js";
import { checkOutput, writeOutput } from "../internal/write-output.js";

interface EvaluateFlags extends DatasetOptions {
  run: string[];
  backend?: string;
  normalizer?: NormalizerName;
  threshold?: number;
  flipTest?: boolean;
  boxNoise?: number;
  seed?: number;
  details?: boolean;
  worst?: number;
  csv?: string;
  format: TableFormat;
  json?: boolean;
}

/** `acr evaluate`: scores trained models on a split. */
export function evaluateCommand(): Command {
  const command = new Command("evaluate")
    .description("score trained models on a data set")
    .requiredOption("--run <folder>", "a run folder; repeat it to compare runs", collect)
    .option("--backend <name>", "tfjs backend (default: the best one here)")
    .addOption(
      new Option("--normalizer <name>", "what errors are divided by (default: as trained)").choices([
        "inter-ocular",
        "inter-pupil",
        "box-geometric",
        "box-diagonal",
        "face-size",
      ]),
    )
    .option("--threshold <fraction>", "of failure rate and AUC (default: 0.1)", parsePositive)
    .option("--flip-test", "average the predictions on each picture and its mirror image")
    .option("--box-noise <fraction>", "shift and scale the boxes at random by this share of their size", parseNoise)
    .option("--seed <n>", "of the box noise", parseInteger)
    .option("--details", "also by part of the face, pose, occlusion and attribute")
    .option("--worst <n>", "list the n faces with the largest errors", parseCount)
    .option("--csv <file>", "write the error of each face")
    .addOption(
      new Option("--format <name>", "of the tables").choices(["text", "markdown", "latex", "csv"]).default("text"),
    )
    .option("--json", "print one JSON document");
  return addDatasetOptions(command, "test")
    .addHelpText(
      "after",
      "\nExamples:\n  acr evaluate --run runs/first --dataset 300w --root ./300w --split full\n  acr evaluate --run runs/l2 --run runs/acr --flip-test --box-noise 0.1 --csv faces.csv",
    )
    .action(async (flags: EvaluateFlags) => {
      const { run: folders, csv, json } = flags;
      if (csv !== undefined) await checkOutput("acr evaluate: --csv", csv);
      const evaluated = await evaluateRuns(folders, flags, flags);
      if (csv !== undefined) await writeOutput(csv, `${renderTable(faceRows(evaluated), { format: "csv" })}\n`);
      if (json) printJson(document(evaluated, flags));
      else process.stdout.write(text(evaluated, flags));
    });
}

function subsetScores(run: EvaluatedRun, subsets: FaceSubsets, threshold?: number): Record<string, SubsetSummary> {
  const errors = run.evaluation.metrics.perFacePercent.map((error) => error / 100);
  return evaluateSubsets(errors, subsets, { failureThreshold: threshold, aucThreshold: threshold });
}

/** The largest errors first. */
function worstFaces({ evaluation: { ids, metrics } }: EvaluatedRun, count: number) {
  return ids
    .map((id, i) => ({ id, nmePercent: metrics.perFacePercent[i]! }))
    .sort((a, b) => b.nmePercent - a.nmePercent)
    .slice(0, count);
}

const LISTED_IN_JSON = 10;

function document({ faces, normalizer, runs, engine }: EvaluatedRuns, flags: EvaluateFlags): object {
  const { dataset, split, threshold, worst = LISTED_IN_JSON } = flags;
  const conditions = {
    flipTest: flags.flipTest ?? false,
    boxNoise: flags.boxNoise ?? 0,
    threshold: threshold ?? 0.1,
    engine,
  };
  const head = { dataset, split, scheme: faces.scheme.id, normalizer };
  const scores = (run: EvaluatedRun) => {
    const { metrics, ids, millisecondsPerImage } = run.evaluation;
    const { count, nmePercent, medianPercent, failureRatePercent, auc, ced, ...rest } = metrics;
    const protocol = protocolSubsets(dataset, split, ids);
    return {
      ...{ count, nmePercent, medianPercent, failureRatePercent, auc, ced, ...rest, ids },
      subsets: subsetScores(run, { ...protocol, ...attributeSubsets(run.evaluation, faces.scheme) }, threshold),
      ...(run.exactBoxes && { exactBoxes: shortScores(run.exactBoxes.metrics) }),
      worst: worstFaces(run, worst),
      millisecondsPerImage,
    };
  };
  const [first] = runs;
  if (runs.length === 1) return { ...head, ...scores(first!), ...conditions };
  return {
    ...head,
    ...conditions,
    runs: runs.map((run) => ({ run: run.name, ...scores(run) })),
    comparisons: compareRuns(runs),
  };
}

function shortScores({ nmePercent, failureRatePercent, auc }: SubsetSummary) {
  return { nmePercent, failureRatePercent, auc };
}

function text({ faces, runs }: EvaluatedRuns, flags: EvaluateFlags): string {
  const { dataset, split, threshold, format, worst } = flags;
  const several = runs.length > 1;
  const label = (run: EvaluatedRun, name: string): TableRow =>
    several ? { run: run.name, split: name } : { split: name };
  const rows = runs.flatMap((run) => {
    const { metrics, ids } = run.evaluation;
    const parts = Object.entries(subsetScores(run, protocolSubsets(dataset, split, ids), threshold));
    const noise = run.exactBoxes ? `, boxes ± ${flags.boxNoise}` : "";
    return [
      ...parts.map(([name, scores]) => ({
        ...label(run, `${dataset} ${name}${noise}`),
        ...scoreColumns(scores, flags),
      })),
      ...(run.exactBoxes
        ? [{ ...label(run, `${dataset} ${split}`), ...scoreColumns(run.exactBoxes.metrics, flags) }]
        : []),
      { ...label(run, `${dataset} ${split}${noise}`), ...scoreColumns(metrics, flags) },
    ];
  });
  const tables = [renderTable(rows, { format })];
  if (several) tables.push(renderTable(compareRuns(runs).map(comparisonRow), { format }));
  for (const run of flags.details ? runs : []) {
    const { metrics } = run.evaluation;
    const named = (part: string): TableRow => (several ? { run: run.name, part } : { part });
    const groups = Object.entries(metrics.perGroupPercent ?? {});
    tables.push(
      renderTable(
        groups.map(([name, error]) => ({ ...named(name), "error %": error.toFixed(2) })),
        { format },
      ),
    );
    const attributes = Object.entries(subsetScores(run, attributeSubsets(run.evaluation, faces.scheme), threshold));
    if (attributes.length > 0)
      tables.push(
        renderTable(
          attributes.map(([name, scores]) => ({ ...named(name), ...scoreColumns(scores, flags) })),
          { format },
        ),
      );
  }
  for (const run of worst ? runs : []) {
    const listed = worstFaces(run, worst!).map(({ id, nmePercent }, i) => ({
      ...(several ? { run: run.name } : {}),
      worst: i + 1,
      face: id,
      "NME %": nmePercent.toFixed(2),
    }));
    tables.push(renderTable(listed, { format }));
  }
  return `${tables.join("\n\n")}\n`;
}

/** One row a face and run, with what the data set says of the face. */
function faceRows({ runs }: EvaluatedRuns): TableRow[] {
  const names = [...new Set(runs.flatMap(({ evaluation }) => evaluation.tags.flatMap((tags) => Object.keys(tags))))];
  return runs.flatMap(({ name, evaluation: { ids, metrics, tags } }) =>
    ids.map((id, i) => ({
      run: name,
      id,
      nmePercent: metrics.perFacePercent[i]!,
      ...Object.fromEntries(names.map((tag) => [tag, String(tags[i]![tag] ?? "")])),
    })),
  );
}
