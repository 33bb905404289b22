import { cedCurve } from "@acr/metrics";
import { renderPlot } from "../render-plot.js";
import type { ReportRun } from "../render-report.js";
import type { TableRow } from "../render-table.js";
import { seriesColor, seriesDash } from "./series-style.js";

/** A plot with the numbers behind it. */
export interface Plot {
  title: string;
  svg: string;
  rows: TableRow[];
}

const SIZE = { width: 400, height: 250 };

/** Colour and dash of each run, always in the order of the runs. */
function series(names: readonly string[]) {
  return {
    color: {
      field: "run",
      type: "nominal",
      sort: null,
      legend: null,
      scale: { domain: names, range: names.map((_, i) => seriesColor(i)) },
    },
    strokeDash: {
      field: "run",
      type: "nominal",
      legend: null,
      scale: { domain: names, range: names.map((_, i) => seriesDash(i)) },
    },
  };
}

const quantitative = (field: string, title: string, scale: object = {}) => ({
  field,
  type: "quantitative",
  title,
  scale,
});

/** Share of faces at or below each NME, up to 10 %. */
export async function cedPlot(runs: readonly ReportRun[]): Promise<Plot | undefined> {
  const thresholds = Array.from({ length: 101 }, (_, i) => i / 1000);
  const curves = runs.map(({ name, evaluation }) => {
    const finite = evaluation.perFacePercent.filter(Number.isFinite).map((error) => error / 100);
    const share = finite.length / evaluation.perFacePercent.filter((error) => !Number.isNaN(error)).length;
    return { name, fractions: cedCurve(finite, { thresholds }).fractions.map((value) => 100 * value * share) };
  });
  const values = curves.flatMap(({ name, fractions }) =>
    fractions.map((share, i) => ({ run: name, nme: 100 * thresholds[i]!, share })),
  );
  const title = "Cumulative error distribution: share of faces at or below each NME";
  const names = runs.map(({ name }) => name);
  return {
    title,
    svg: await renderPlot(
      {
        ...SIZE,
        data: { values },
        mark: { type: "line", strokeWidth: 2.4, interpolate: "step-after" },
        encoding: {
          x: quantitative("nme", "NME (%)", { domain: [0, 10] }),
          y: quantitative("share", "faces (%)", { domain: [0, 100] }),
          ...series(names),
        },
      },
      { title },
    ),
    rows: Array.from({ length: 10 }, (_, i) => ({
      "NME ≤": `${i + 1} %`,
      ...Object.fromEntries(curves.map(({ name, fractions }) => [name, `${fractions[10 * (i + 1)]!.toFixed(1)} %`])),
    })),
  };
}

const TABLE_EPOCHS = 12;

/** A figure of each epoch; nothing where no run has a history. */
export async function learningPlot(
  runs: readonly ReportRun[],
  key: "nmePercent" | "trainLoss",
  { title, axis }: { title: string; axis: string },
): Promise<Plot | undefined> {
  const values = runs.flatMap(({ name, history }) =>
    history
      .filter((line) => Number.isFinite(line[key]))
      .map((line) => ({ run: name, epoch: line.epoch, value: line[key] })),
  );
  if (values.length === 0) return undefined;
  const last = Math.max(...values.map(({ epoch }) => epoch));
  const shown = [
    ...new Set(
      Array.from({ length: TABLE_EPOCHS }, (_, i) => Math.max(1, Math.round(((i + 1) * last) / TABLE_EPOCHS))),
    ),
  ];
  return {
    title,
    svg: await renderPlot(
      {
        ...SIZE,
        data: { values },
        mark: { type: "line", strokeWidth: 2.4, point: last <= 3 },
        encoding: {
          x: { ...quantitative("epoch", "epoch", { nice: false }), axis: { tickMinStep: 1 } },
          y: quantitative("value", axis, { zero: true }),
          ...series(runs.map(({ name }) => name)),
        },
      },
      { title },
    ),
    rows: shown.map((epoch) => ({
      epoch,
      ...Object.fromEntries(
        runs.map(({ name, history }) => [
          name,
          history.find((line) => line.epoch === epoch)?.[key]?.toPrecision(4) ?? "–",
        ]),
      ),
    })),
  };
}

/** One bar for each part of the face and run. */
export async function groupPlot(runs: readonly ReportRun[]): Promise<Plot | undefined> {
  const groups = Object.keys(runs[0]!.evaluation.perGroupPercent ?? {});
  if (groups.length === 0) return undefined;
  const of = ({ evaluation }: ReportRun, group: string) => evaluation.perGroupPercent?.[group] ?? Number.NaN;
  const values = runs.flatMap((run) => groups.map((part) => ({ run: run.name, part, error: of(run, part) })));
  const names = runs.map(({ name }) => name);
  const title = "Mean error by part of the face";
  return {
    title,
    svg: await renderPlot(
      {
        width: SIZE.width,
        height: { step: runs.length > 1 ? 13 : 24 },
        data: { values: values.filter(({ error }) => Number.isFinite(error)) },
        mark: { type: "bar", cornerRadiusEnd: 2 },
        encoding: {
          x: quantitative("error", "error (%)"),
          y: { field: "part", type: "nominal", sort: null, title: null },
          yOffset: { field: "run", type: "nominal", sort: names },
          color: series(names).color,
        },
      },
      { title },
    ),
    rows: groups.map((part) => ({
      part,
      ...Object.fromEntries(runs.map((run) => [run.name, `${of(run, part).toFixed(2)} %`])),
    })),
  };
}

/** NME and its interval for each subset of the faces. */
export async function subsetPlot(runs: readonly ReportRun[]): Promise<Plot | undefined> {
  const subsets = Object.keys(runs[0]!.subsets ?? {}).filter((name) => runs[0]!.subsets![name]!.count > 0);
  if (subsets.length === 0) return undefined;
  const values = runs.flatMap(({ name, subsets: own = {} }) =>
    subsets.flatMap((subset) => {
      const { count = 0, nmePercent = 0, confidence } = own[subset] ?? {};
      if (count === 0) return [];
      const { lowPercent = nmePercent, highPercent = nmePercent } = confidence ?? {};
      return [{ run: name, subset: `${subset} (${count})`, nme: nmePercent, low: lowPercent, high: highPercent }];
    }),
  );
  const names = runs.map(({ name }) => name);
  const y = {
    y: { field: "subset", type: "nominal", sort: null, title: null, axis: { labelLimit: 230 } },
    yOffset: { field: "run", type: "nominal", sort: names },
    color: series(names).color,
  };
  const title = "NME by pose, occlusion and attribute, with 95 % intervals and numbers of faces";
  return {
    title,
    svg: await renderPlot(
      {
        width: SIZE.width - 100,
        height: { step: runs.length > 1 ? 13 : 24 },
        data: { values },
        layer: [
          {
            mark: { type: "rule", strokeWidth: 2 },
            encoding: { x: quantitative("low", "NME (%)", { zero: false }), x2: { field: "high" }, ...y },
          },
          {
            mark: { type: "point", filled: true, size: 60, opacity: 1 },
            encoding: { x: quantitative("nme", "NME (%)", { zero: false }), ...y },
          },
        ],
      },
      { title },
    ),
    rows: subsets.map((subset) => ({
      subset,
      faces: runs[0]!.subsets![subset]!.count,
      ...Object.fromEntries(
        runs.map(({ name, subsets: own }) => [name, `${(own?.[subset]?.nmePercent ?? Number.NaN).toFixed(2)} %`]),
      ),
    })),
  };
}

/** Dark violet to orange: each end has a contrast of at least 2 : 1 against a light and a dark page. */
const SCALE_COLORS = ["#6a4fc4", "#a8479f", "#d9526f", "#ef7a3c"];
const LEGEND_STEPS = 4;

/** A value of each landmark, drawn as circles on a face: area is in proportion to it, colour spans the extent. */
export async function facePlot(
  face: ArrayLike<number>,
  values: ArrayLike<number>,
  {
    title,
    unit,
    names,
    extent: [minimum, maximum],
  }: { title: string; unit: string; names: readonly string[]; extent: readonly [number, number] },
): Promise<Plot> {
  const points = Array.from({ length: face.length / 2 }, (_, k) => ({
    landmark: names[k] ?? String(k),
    x: face[2 * k]!,
    y: face[2 * k + 1]!,
    value: values[k]!,
  })).filter(({ value }) => Number.isFinite(value));
  const range = (axis: "x" | "y") => {
    const list = points.map((point) => point[axis]);
    return [Math.min(...list), Math.max(...list)] as const;
  };
  const [x, y] = [range("x"), range("y")];
  const width = 300;
  const scale = (x[1] - x[0] || 1) / width;
  const steps = Array.from(
    { length: LEGEND_STEPS },
    (_, i) => minimum + ((maximum - minimum) * i) / (LEGEND_STEPS - 1),
  );
  const legend = {
    title: unit,
    type: "symbol",
    orient: "bottom",
    direction: "horizontal",
    format: maximum < 2 ? ".2f" : ".1f",
    values: maximum > minimum ? steps : [maximum],
  };
  const axis = (field: string, [low, high]: readonly [number, number], extra: object) => ({
    field,
    type: "quantitative",
    axis: null,
    scale: { domain: [low - 14 * scale, high + 14 * scale], nice: false, zero: false, ...extra },
  });
  return {
    title,
    svg: await renderPlot(
      {
        width: width + 28,
        height: (y[1] - y[0]) / scale + 28,
        data: { values: points },
        mark: { type: "circle", opacity: 0.95 },
        encoding: {
          x: axis("x", x, {}),
          y: axis("y", y, { reverse: true }),
          size: {
            field: "value",
            type: "quantitative",
            legend,
            scale: { domain: [0, maximum], range: [4, 190], nice: false },
          },
          color: {
            field: "value",
            type: "quantitative",
            legend,
            scale: { domain: [minimum, maximum], range: SCALE_COLORS, nice: false },
          },
        },
      },
      { title },
    ),
    rows: points
      .toSorted((a, b) => b.value - a.value)
      .map(({ landmark, value }) => ({ landmark, [unit]: value.toFixed(2) })),
  };
}
