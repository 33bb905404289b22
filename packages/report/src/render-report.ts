import { InvalidArgumentError, type LandmarkScheme, type RgbImage } from "@acr/core";
import type { EvaluationResult, PairedComparison, SubsetSummary } from "@acr/metrics";
import { escapeHtml } from "./internal/escape-html.js";
import { cropToPoints } from "./internal/face-crop.js";
import { meanFace } from "./internal/mean-face.js";
import { cedPlot, facePlot, groupPlot, learningPlot, type Plot, subsetPlot } from "./internal/plots.js";
import { REPORT_STYLE } from "./internal/report-style.js";
import { seriesColor, seriesDash } from "./internal/series-style.js";
import { renderOverlaySvg } from "./render-overlay-svg.js";
import type { TableRow } from "./render-table.js";

/** One face of a report. */
export interface ReportSample {
  id: string;
  image: RgbImage;
  /** Flat landmarks in the picture's pixels. */
  predicted: ArrayLike<number>;
  target: ArrayLike<number>;
  nmePercent: number;
  /** Why it is shown. */
  rank?: "best" | "median" | "worst";
  /** Φ of each landmark (K) or coordinate (2K): drawn as the size of the true points. */
  difficulty?: ArrayLike<number>;
}

/** One run of a report. */
export interface ReportRun {
  name: string;
  recipe: object;
  environment: object;
  history: readonly { epoch: number; trainLoss: number; nmePercent: number }[];
  evaluation: EvaluationResult;
  samples: readonly ReportSample[];
  /** Training time. */
  seconds?: number;
  /** Scores by pose, occlusion, attribute. */
  subsets?: Readonly<Record<string, SubsetSummary>>;
  /** Time of the network for one face. */
  millisecondsPerImage?: number;
  parameterCount?: number;
  /** Mean Φ of each landmark over the faces, K values in [0, 1]. */
  meanDifficulty?: ArrayLike<number>;
}

/** Two runs compared face by face; differences in percent of the normaliser. */
export interface ReportComparison extends PairedComparison {
  first: string;
  second: string;
  /** Corrected for the number of comparisons. */
  adjustedPValue: number;
}

/** What a report shows. */
export interface ReportInput {
  title: string;
  runs: ReportRun[];
  scheme: LandmarkScheme;
  /** Which faces, in words. */
  dataset?: string;
  /** What errors are divided by. */
  normalizer?: string;
  /** Flat shape of the face that errors are drawn on. Default: the mean of the shown faces. */
  meanShape?: ArrayLike<number>;
  /** Each run against the first. */
  comparisons?: readonly ReportComparison[];
  /** The engine that evaluated. */
  engine?: string;
}

/**
 * One self-contained HTML page: summary, paired comparisons, CED and learning curves, errors by part, pose and
 * attribute, error and difficulty of each landmark on the mean face, best, median and worst faces, recipes. Every plot
 * has its numbers in a table behind it. No script, no network; light and dark, narrow and printed.
 *
 * @returns the page. Names from files are escaped.
 * @throws {InvalidArgumentError} no runs, or two runs of one name.
 * @example await writeFile("report.html", await renderReport({ title: "L2 against ACR", runs, scheme: ibug68 }));
 */
export async function renderReport(input: ReportInput): Promise<string> {
  const { title, runs, scheme, dataset, normalizer, comparisons = [], engine } = input;
  if (runs.length === 0) throw new InvalidArgumentError("renderReport: runs must hold at least one run; got none.");
  const names = runs.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new InvalidArgumentError(`renderReport: two runs are called "${twice}".`);
  const { count, failedCount = 0 } = runs[0]!.evaluation;
  const lead = [
    dataset,
    `${count + failedCount} faces`,
    `${scheme.landmarkCount} landmarks (${scheme.id})`,
    normalizer && `normalised by ${normalizer}`,
  ].filter(Boolean);
  const curves = [
    await cedPlot(runs),
    await learningPlot(runs, "nmePercent", { title: "NME on the validation faces by epoch", axis: "NME (%)" }),
    await learningPlot(runs, "trainLoss", { title: "Training loss by epoch", axis: "loss" }),
  ];
  const sections = [
    `<h2>Curves</h2>${legend(names)}${plots(curves)}`,
    `<h2>Where the errors are</h2>${plots([await groupPlot(runs), await subsetPlot(runs), ...(await facePlots(input))])}`,
    `<h2>Faces</h2><p class="soft">Best, median and worst of each run. ${key("predicted", "#e69f00")} ${key("true", "#56b4e9")}${
      runs.some(({ samples }) => samples.some(({ difficulty }) => difficulty))
        ? " The larger a true point, the larger its difficulty Φ."
        : ""
    }</p>`,
  ];
  for (const run of runs) sections.push(await facesSection(run));
  const details = runs.map(
    ({ name, recipe, environment }) =>
      `<details><summary>Recipe and engine of ${escapeHtml(name)}</summary><pre tabindex="0" role="region" aria-label="${escapeHtml(`Recipe of ${name}`)}">${escapeHtml(JSON.stringify({ recipe, environment }, null, 2))}</pre></details>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escapeHtml(title)}</title><link rel="icon" href="data:,"><style>${REPORT_STYLE}</style></head>
<body><main><h1>${escapeHtml(title)}</h1><p class="lead">${escapeHtml(lead.join(", "))}.</p>
${summaryTable(runs)}${comparisonTable(comparisons)}
${sections.join("\n")}
<h2>How to repeat this</h2>${engine ? `<p class="soft">Evaluated on ${escapeHtml(engine)}.</p>` : ""}${details.join("")}</main></body></html>
`;
}

const key = (name: string, color: string) =>
  `<span class="key"><svg width="12" height="12" aria-hidden="true"><circle cx="6" cy="6" r="5" fill="${color}" stroke="#0008"/></svg> ${name}</span>`;

function legend(names: readonly string[]): string {
  const items = names.map(
    (name, i) =>
      `<span class="key"><svg width="30" height="10" aria-hidden="true"><line x1="0" x2="30" y1="5" y2="5" stroke="${seriesColor(i)}" stroke-width="3" stroke-dasharray="${seriesDash(i).join(" ")}"/></svg> ${escapeHtml(name)}</span>`,
  );
  return `<p class="legend">${items.join(" ")}</p>`;
}

function plots(list: readonly (Plot | undefined)[]): string {
  const figures = list.map((plot) =>
    plot === undefined
      ? ""
      : `<figure class="plot"><figcaption>${escapeHtml(plot.title)}</figcaption>${plot.svg}<details><summary>The numbers</summary>${table(plot.rows, plot.title)}</details></figure>`,
  );
  return `<div class="plots">${figures.join("")}</div>`;
}

/** A table whose first column heads its rows, in a region that keyboards can scroll. */
function table(rows: readonly TableRow[], caption: string, best?: (row: number, column: string) => boolean): string {
  const columns = Object.keys(rows[0]!);
  const head = columns.map((column) => `<th scope="col">${escapeHtml(column)}</th>`).join("");
  const body = rows.map((row, r) => {
    const cells = columns.map((column, c) => {
      const text = escapeHtml(String(row[column] ?? "–"));
      if (c === 0) return `<th scope="row">${text}</th>`;
      return best?.(r, column) ? `<td class="best">${text}</td>` : `<td>${text}</td>`;
    });
    return `<tr>${cells.join("")}</tr>`;
  });
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(caption)}"><table><caption><span>${escapeHtml(caption)}</span></caption><thead><tr>${head}</tr></thead><tbody>${body.join("")}</tbody></table></div>`;
}

/** The figures of all runs; the best of each column in bold. */
function summaryTable(runs: readonly ReportRun[]): string {
  const columns: [string, (run: ReportRun) => number | undefined, number, "low" | "high" | undefined][] = [
    ["NME %", (run) => run.evaluation.nmePercent, 2, "low"],
    ["median %", (run) => run.evaluation.medianPercent, 2, "low"],
    ["failures %", (run) => run.evaluation.failureRatePercent, 2, "low"],
    ["AUC@0.1", (run) => run.evaluation.auc, 4, "high"],
    ["ms a face", (run) => run.millisecondsPerImage, 1, undefined],
    ["parameters", (run) => run.parameterCount, 0, undefined],
    ["training s", (run) => run.seconds, 0, undefined],
  ];
  const shown = columns.filter(([, value]) => runs.some((run) => value(run) !== undefined));
  const rows = runs.map((run) => {
    const { confidence } = run.evaluation;
    const interval = confidence
      ? { "95 % interval": `${confidence.lowPercent.toFixed(2)}–${confidence.highPercent.toFixed(2)}` }
      : {};
    const cells = shown.map(([name, value, digits]) => [name, value(run)?.toFixed(digits) ?? "–"]);
    return {
      run: run.name,
      ...Object.fromEntries(cells.slice(0, 1)),
      ...interval,
      ...Object.fromEntries(cells.slice(1)),
    };
  });
  const best = (row: number, column: string) => {
    const [, value, , better] = columns.find(([name]) => name === column) ?? [];
    if (!value || !better || runs.length < 2) return false;
    const all = runs.map((run) => value(run)!);
    return all[row] === (better === "low" ? Math.min(...all) : Math.max(...all));
  };
  return table(rows, "Held-out faces. NME and failures (NME > 10 %): lower is better; AUC: higher is better.", best);
}

function comparisonTable(comparisons: readonly ReportComparison[]): string {
  if (comparisons.length === 0) return "";
  const small = (p: number) => (p < 0.0001 ? "< 0.0001" : p.toFixed(4));
  const rows = comparisons.map((one) => ({
    run: one.first,
    against: one.second,
    "NME difference": `${one.difference >= 0 ? "+" : "−"}${Math.abs(one.difference).toFixed(3)}`,
    "95 % interval": `${one.low.toFixed(3)} to ${one.high.toFixed(3)}`,
    p: small(one.pValue),
    "p (Holm)": small(one.adjustedPValue),
    "better on": `${(100 * one.firstBetter).toFixed(0)} % of faces`,
  }));
  return `${table(rows, "Paired comparison, face by face, in percent points of NME: negative is better than the other run.")}<p class="soft">Intervals by bootstrap over faces; p by sign-flip permutation, corrected by Holm's method. They speak of these trained models; another training seed may differ by more.</p>`;
}

/** Error and difficulty of each landmark on the mean face. */
async function facePlots({ runs, scheme, meanShape }: ReportInput): Promise<Plot[]> {
  const face = meanShape ?? meanFace(runs.flatMap(({ samples }) => samples.map(({ target }) => target)));
  if (!face || face.length !== 2 * scheme.landmarkCount) return [];
  // One scale for all runs, so that their faces can be compared.
  const extent = (lists: readonly (ArrayLike<number> | undefined)[]): [number, number] => {
    const finite = lists.flatMap((list) => Array.from(list ?? [])).filter(Number.isFinite);
    return [Math.min(...finite), Math.max(...finite)];
  };
  const errors = extent(runs.map(({ evaluation }) => evaluation.perLandmarkPercent));
  const difficulties = extent(runs.map(({ meanDifficulty }) => meanDifficulty));
  const list: Plot[] = [];
  for (const { name, evaluation, meanDifficulty } of runs) {
    const title = `Error of each landmark on the mean face: ${name}`;
    const options = { names: scheme.names, unit: "error %", extent: errors, title };
    list.push(await facePlot(face, evaluation.perLandmarkPercent, options));
    if (!meanDifficulty) continue;
    const phi = { ...options, unit: "Φ", extent: difficulties, title: `Mean difficulty Φ of each landmark: ${name}` };
    list.push(await facePlot(face, meanDifficulty, phi));
  }
  return list;
}

/** Side of a shown face in pixels: sharp on a phone, 10 kB as JPEG. */
const FACE_SIZE = 224;

async function facesSection({ name, samples }: ReportRun): Promise<string> {
  const figures: string[] = [];
  for (const { id, image, predicted, target, nmePercent, rank, difficulty } of samples) {
    const view = cropToPoints(image, { predicted, target, size: FACE_SIZE });
    const label = `${rank ? `${rank}: ` : ""}${id}, NME ${nmePercent.toFixed(2)} %`;
    const svg = await renderOverlaySvg(view.image, {
      predicted: view.predicted,
      target: view.target,
      difficulty,
      title: label,
      quality: 78,
    });
    figures.push(`<figure>${svg}<figcaption>${escapeHtml(label)}</figcaption></figure>`);
  }
  return `<h3>${escapeHtml(name)}</h3><div class="faces">${figures.join("")}</div>`;
}
