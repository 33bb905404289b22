import { escapeHtml } from "./escape-html.js";

/** One curve. */
export interface PlotSeries {
  name: string;
  points: readonly (readonly [number, number])[];
}

const WIDTH = 560;
const HEIGHT = 320;
const MARGIN = { left: 58, right: 14, top: 14, bottom: 46 };
/** Okabe and Ito's palette, told apart by every kind of colour vision; dashes tell the lines apart in grey. */
const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const DASHES = ["", "7 4", "2 4", "9 3 2 3", "12 4", "4 2"];

/** About five round numbers that span a range. */
function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
}

/** A line plot as inline SVG with a title for screen readers; colours of text and axes follow the page. */
export function linePlot(
  series: readonly PlotSeries[],
  { title, xLabel, yLabel }: { title: string; xLabel: string; yLabel: string },
): string {
  const points = series.flatMap((one) => one.points);
  if (points.length === 0) return "";
  const range = (axis: 0 | 1): [number, number] => {
    const values = points.map((point) => point[axis]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return low === high ? [low - 0.5, high + 0.5] : [low, high];
  };
  const [xLow, xHigh] = range(0);
  const [, yHigh] = range(1);
  const yLow = Math.min(0, range(1)[0]);
  const x = (value: number) => MARGIN.left + ((value - xLow) / (xHigh - xLow)) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (value: number) =>
    HEIGHT - MARGIN.bottom - ((value - yLow) / (yHigh - yLow)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const grid = [
    ...ticks(yLow, yHigh).map(
      (value) =>
        `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(value).toFixed(1)}" y2="${y(value).toFixed(1)}"/><text x="${MARGIN.left - 8}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end">${value}</text>`,
    ),
    ...ticks(xLow, xHigh).map(
      (value) =>
        `<text x="${x(value).toFixed(1)}" y="${HEIGHT - MARGIN.bottom + 18}" text-anchor="middle">${value}</text>`,
    ),
  ];
  const lines = series.map(
    ({ points: own }, i) =>
      `<polyline fill="none" stroke="${COLORS[i % COLORS.length]}" stroke-width="2.2" stroke-dasharray="${DASHES[i % DASHES.length]}" points="${own.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(" ")}"/>`,
  );
  const legend = series
    .map(
      ({ name }, i) =>
        `<span class="key"><svg width="30" height="10" aria-hidden="true"><line x1="0" x2="30" y1="5" y2="5" stroke="${COLORS[i % COLORS.length]}" stroke-width="2.5" stroke-dasharray="${DASHES[i % DASHES.length]}"/></svg> ${escapeHtml(name)}</span>`,
    )
    .join(" ");
  return `<figure><figcaption>${escapeHtml(title)}</figcaption><svg class="plot" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}">${grid.join("")}${lines.join("")}<text x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escapeHtml(xLabel)}</text><text transform="translate(14 ${(MARGIN.top + HEIGHT - MARGIN.bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(yLabel)}</text></svg><div class="legend">${legend}</div></figure>`;
}
