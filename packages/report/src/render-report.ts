import { InvalidArgumentError, type LandmarkScheme, type RgbImage } from "@acr/core";
import type { EvaluationResult } from "@acr/metrics";
import { escapeHtml } from "./internal/escape-html.js";
import { linePlot } from "./internal/line-plot.js";
import { renderOverlay } from "./render-overlay.js";

/** One face of a report. */
export interface ReportSample {
  id: string;
  image: RgbImage;
  /** Flat landmarks in the picture's pixels. */
  predicted: ArrayLike<number>;
  target: ArrayLike<number>;
  nmePercent: number;
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
}

/** What a report shows. */
export interface ReportInput {
  title: string;
  runs: ReportRun[];
  scheme: LandmarkScheme;
}

const STYLE = `
:root{color-scheme:light dark;--text:#1c2430;--soft:#5b6675;--line:#d9dee5;--back:#fff;--card:#f6f8fa}
@media (prefers-color-scheme:dark){:root{--text:#e6eaf0;--soft:#9aa6b5;--line:#333c48;--back:#12161c;--card:#1a2028}}
body{margin:0 auto;max-width:1180px;padding:24px 20px 60px;font:16px/1.55 system-ui,sans-serif;color:var(--text);background:var(--back)}
h1{font-size:1.7rem;margin:.2em 0}h2{font-size:1.2rem;margin:2em 0 .6em}p.lead,figcaption,.soft{color:var(--soft)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:7px 12px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}th:first-child,td:first-child{text-align:left}
caption{text-align:left;color:var(--soft);padding-bottom:6px}td.best{font-weight:700}
.plots{display:grid;gap:22px;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr))}
figure{margin:0}svg.plot{width:100%;height:auto}svg.plot text{font-size:12px;fill:var(--soft)}svg.plot .grid{stroke:var(--line)}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px}.faces{display:grid;gap:12px;grid-template-columns:repeat(auto-fill,minmax(130px,1fr))}
.faces img{width:100%;border-radius:6px;display:block}.faces figcaption{font-size:.82rem;overflow-wrap:anywhere}
details{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:8px 14px;margin:10px 0}pre{overflow-x:auto;font-size:.82rem}
@media print{details{display:none}}`;

/**
 * One self-contained HTML page: table, CED plot, learning curves, faces with predicted and true points, recipes. No
 * script, no network.
 *
 * @returns the page. Names from files are escaped.
 * @throws {InvalidArgumentError} no runs.
 * @example await writeFile("report.html", await renderReport({ title: "L2 against ACR", runs, scheme: ibug68 }));
 */
export async function renderReport({ title, runs, scheme }: ReportInput): Promise<string> {
  if (runs.length === 0) throw new InvalidArgumentError("renderReport: runs must hold at least one run; got none.");
  const ced = linePlot(
    runs.map(({ name, evaluation }) => ({
      name,
      points: evaluation.ced.thresholds.map(
        (threshold, i) => [100 * threshold, 100 * evaluation.ced.fractions[i]!] as const,
      ),
    })),
    { title: "Cumulative error distribution", xLabel: "NME (%)", yLabel: "faces at or below (%)" },
  );
  const curve = (key: "nmePercent" | "trainLoss") =>
    runs.map(({ name, history }) => ({ name, points: history.map((line) => [line.epoch, line[key]] as const) }));
  const learning = linePlot(curve("nmePercent"), {
    title: "NME on the validation faces",
    xLabel: "epoch",
    yLabel: "NME (%)",
  });
  const landmarks = linePlot(
    runs.map(({ name, evaluation }) => ({
      name,
      points: evaluation.perLandmarkPercent.map((error, k) => [k, error] as const),
    })),
    { title: `Error of each landmark (${scheme.id})`, xLabel: "landmark", yLabel: "error (%)" },
  );
  const faces: string[] = [];
  for (const run of runs) faces.push(await facesSection(run));
  const details = runs.map(
    ({ name, recipe, environment }) =>
      `<details><summary>Recipe and engine of ${escapeHtml(name)}</summary><pre>${escapeHtml(JSON.stringify({ recipe, environment }, null, 2))}</pre></details>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><main><h1>${escapeHtml(title)}</h1><p class="lead">${runs[0]!.evaluation.count} faces, ${scheme.landmarkCount} landmarks (${escapeHtml(scheme.id)}).</p>
<div class="scroll">${summaryTable(runs)}</div>
<h2>Curves</h2><div class="plots">${ced}${learning}${landmarks}</div>
<h2>Faces</h2><p class="soft">Orange: predicted. Blue: true. Best, median and worst of each run.</p>${faces.join("")}
<h2>How to repeat this</h2>${details.join("")}</main></body></html>
`;
}

/** The figures of all runs; the best of each column in bold. */
function summaryTable(runs: readonly ReportRun[]): string {
  const columns: [string, (run: ReportRun) => number | undefined, number, "low" | "high" | undefined][] = [
    ["NME %", (run) => run.evaluation.nmePercent, 2, "low"],
    ["median %", (run) => run.evaluation.medianPercent, 2, "low"],
    ["failures %", (run) => run.evaluation.failureRatePercent, 2, "low"],
    ["AUC@0.1", (run) => run.evaluation.auc, 4, "high"],
    ["seconds", (run) => run.seconds, 0, undefined],
  ];
  const cell = ([, value, digits, better]: (typeof columns)[number], run: ReportRun) => {
    const own = value(run);
    if (own === undefined) return "<td>–</td>";
    const all = runs.map((other) => value(other)!);
    const isBest =
      runs.length > 1 && better !== undefined && own === (better === "low" ? Math.min(...all) : Math.max(...all));
    return `<td${isBest ? ' class="best"' : ""}>${own.toFixed(digits)}</td>`;
  };
  const rows = runs.map(
    (run) =>
      `<tr><th scope="row">${escapeHtml(run.name)}</th>${columns.map((column) => cell(column, run)).join("")}</tr>`,
  );
  return `<table><caption>Held-out faces; NME and failures (NME &gt; 10 %): lower is better, AUC: higher is better.</caption><thead><tr><th scope="col">run</th>${columns.map(([name]) => `<th scope="col">${name}</th>`).join("")}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

async function facesSection({ name, samples }: ReportRun): Promise<string> {
  const figures: string[] = [];
  for (const { id, image, predicted, target, nmePercent } of samples) {
    const png = await renderOverlay(image, { predicted, target });
    const label = `${escapeHtml(id)}, NME ${nmePercent.toFixed(2)} %`;
    figures.push(
      `<figure><img alt="${label}" src="data:image/png;base64,${Buffer.from(png).toString("base64")}"><figcaption>${label}</figcaption></figure>`,
    );
  }
  return `<h3>${escapeHtml(name)}</h3><div class="faces">${figures.join("")}</div>`;
}
