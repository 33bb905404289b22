import { InvalidArgumentError } from "@acr/core";
import type { PointModel, Stage } from "@acr/shape-model";
import { type FaceContour, faceContours } from "./face-contours.js";
import { type KnownStage, knownStages } from "./known-stages.js";
import { percent } from "./percent.js";
import { type ShapeFace, schemeOf } from "./shape-faces.js";
import { SHAPE_PAGE_SCRIPT } from "./shape-page-script.js";
import { SHAPE_PAGE_STYLE } from "./shape-page-style.js";

/** What the page shows. */
export interface ShapePageInput {
  title: string;
  model: PointModel;
  schedule: readonly Stage[];
  faces: readonly ShapeFace[];
  /** Modes with a slider, at most. */
  sliderCount: number;
}

/** How far sliders and pictures of modes go, in standard deviations. */
const REACH = 3;
const MODE_PICTURES = 6;
/** Colours of Φ from 0 to 1; on photographs the size of a point tells the same. */
const EASY_TO_HARD = [
  [255, 233, 168],
  [240, 138, 36],
  [179, 18, 63],
] as const;

/** The page of `acr shape show`: one file, no network. */
export function shapePage({ title, model, schedule, faces, sliderCount }: ShapePageInput): string {
  if (!(sliderCount >= 1))
    throw new InvalidArgumentError(`shapePage: sliderCount must be an integer >= 1; got ${sliderCount}.`);
  const count = Math.min(sliderCount, model.modes.length);
  const contours = faceContours(schemeOf(model), model.mean);
  const table = model.explainedVariance();
  const stages = knownStages(model, schedule);
  const first = table[0]!;
  const data = {
    mean: [...model.mean].map(round),
    modes: model.modes.slice(0, count).map((mode) => [...mode].map(round)),
    deviations: [...model.eigenvalues.slice(0, count)].map((value) => round(Math.sqrt(value))),
    contours,
  };
  const view = viewBox(model, count);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escapeHtml(title)}</title><style>${SHAPE_PAGE_STYLE}</style></head>
<body><main><h1>${escapeHtml(title)}</h1>
<p class="lead">${model.landmarkCount} landmarks${model.scheme ? ` (${escapeHtml(model.scheme)})` : ""}, fitted on ${model.sampleCount.toLocaleString("en")} faces${model.align === "procrustes" ? " after Procrustes alignment" : ""}; ${model.modes.length} modes. The first explains ${percent(first.ratio)} of the variance.</p>
<h2>Move the modes</h2>
<div class="mover"><svg id="face" viewBox="${view.box}" role="img" aria-label="The face that the sliders make, over the mean face">${lines(contours, model.mean, "rest", view.size)}${lines(contours, model.mean, "now", view.size)}${points(model.mean, view.size)}</svg>
<div id="controls" hidden>${Array.from({ length: count }, (_, i) => slider(i, table[i]!.ratio)).join("")}
<button type="button" id="mean">Mean face</button><button type="button" id="random">Random face</button></div></div>
<noscript><p>The sliders need JavaScript; everything below does not.</p></noscript>
<h2>What the modes do</h2>
<p class="soft">Each mode at ${minus(REACH)}σ (dashed) and +${REACH}σ, over the mean.</p>
<div class="cards">${Array.from({ length: Math.min(MODE_PICTURES, model.modes.length) }, (_, i) => modePicture(model, i, contours, view)).join("")}</div>
<h2>Explained variance</h2>
${varianceCurve(table, stages)}
<p class="soft"><span class="key variance"></span>stages by variance <span class="key square count" style="margin-left:1em"></span>stages by count. The horizontal axis is logarithmic.</p>
<div class="scroll"><table><caption>Modes at each stage, in both readings of its percentage</caption><thead><tr><th scope="col">stage</th><th scope="col">share</th><th scope="col">k by variance</th><th scope="col">k by count</th><th scope="col">variance of the latter</th></tr></thead><tbody>${stages
    .map(
      ({ stage, byVariance, byCount, varianceByCount }) =>
        `<tr><th scope="row">${stageStart(stage)}</th><td>${percent(stage.fraction)}</td><td>${byVariance ?? "–"}</td><td>${byCount ?? "–"}</td><td>${varianceByCount === undefined ? "–" : percent(varianceByCount).replace(">", "&gt;")}</td></tr>`,
    )
    .join("")}</tbody></table></div>
${stages.some(({ byVariance, byCount }) => byVariance === undefined || byCount === undefined) ? `<p class="soft">–: needs more than the ${model.modes.length} modes that this model keeps.</p>` : ""}
<h2>Difficulty Φ at each stage</h2>
<p>Lines: the smooth face, made of the first k modes. Points: the face's own landmarks; how far each lies from the smooth face, divided by the farthest, is its difficulty Φ.</p>
<p class="scale"><span>easy, Φ = 0</span><i></i><span>hard, Φ = 1: larger and darker</span></p>
<svg width="0" height="0" style="position:absolute" aria-hidden="true">${faces.map(({ picture }, i) => (picture ? `<symbol id="picture${i}" viewBox="0 0 1 1" overflow="visible"><image href="${picture}" x="0" y="0" width="1" height="1" preserveAspectRatio="none"/></symbol>` : "")).join("")}</svg>
${faces.map((face, i) => faceStages(model, { face, index: i, contours, stages })).join("")}
</main><script type="application/json" id="model">${JSON.stringify(data).replaceAll("<", "\\u003c")}</script><script>${SHAPE_PAGE_SCRIPT}</script></body></html>
`;
}

const round = (value: number) => Number(value.toPrecision(7));
const minus = (value: number) => `−${value}`;
const escapeHtml = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
const stageStart = (stage: Stage) =>
  "fromEpoch" in stage ? `epoch ${stage.fromEpoch}` : `${(100 * stage.from).toFixed(0)} % of training`;

const slider = (i: number, ratio: number) =>
  `<div class="slider"><label for="mode${i}">Mode ${i + 1} <span>${percent(ratio)}</span></label><input type="range" id="mode${i}" data-mode="${i}" min="-${REACH}" max="${REACH}" step="0.1" value="0"><output for="mode${i}"></output></div>`;

/** A square that holds the mean and what the first modes make of it. */
function viewBox(model: PointModel, count: number): { box: string; size: number } {
  const bounds = [
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ];
  for (let i = 0; i < count; i++)
    for (const sign of [-REACH, REACH]) {
      const shape = model.reconstruct(deviation(model, i, sign));
      shape.forEach((value, q) => {
        const axis = q % 2;
        bounds[axis] = Math.min(bounds[axis]!, value);
        bounds[axis + 2] = Math.max(bounds[axis + 2]!, value);
      });
    }
  const [x0, y0, x1, y1] = bounds as [number, number, number, number];
  const size = 1.08 * Math.max(x1 - x0, y1 - y0);
  return { box: `${round((x0 + x1 - size) / 2)} ${round((y0 + y1 - size) / 2)} ${round(size)} ${round(size)}`, size };
}

const deviation = (model: PointModel, mode: number, deviations: number) =>
  Float64Array.from({ length: mode + 1 }, (_, i) => (i === mode ? deviations * Math.sqrt(model.eigenvalues[i]!) : 0));

const lines = (contours: readonly FaceContour[], shape: ArrayLike<number>, kind: string, size: number, dash = "") =>
  contours
    .map(({ landmarks, isClosed }) => {
      const path = landmarks
        .map((k) => `${shape[2 * k]!.toPrecision(5)} ${shape[2 * k + 1]!.toPrecision(5)}`)
        .join("L");
      return `<path class="line ${kind}" stroke-width="${round(size / 130)}"${dash} d="M${path}${isClosed ? "Z" : ""}"/>`;
    })
    .join("");

const points = (shape: ArrayLike<number>, size: number) =>
  Array.from(
    { length: shape.length / 2 },
    (_, k) =>
      `<circle class="point" cx="${round(shape[2 * k]!)}" cy="${round(shape[2 * k + 1]!)}" r="${round(size / 110)}"/>`,
  ).join("");

function modePicture(
  model: PointModel,
  i: number,
  contours: readonly FaceContour[],
  { box, size }: { box: string; size: number },
): string {
  const [low, high] = [-REACH, REACH].map((sign) => model.reconstruct(deviation(model, i, sign)));
  const dash = ` stroke-dasharray="${round(size / 45)} ${round(size / 55)}"`;
  const dots = (shape: Float64Array, kind: string) =>
    contours.length > 0
      ? ""
      : Array.from(
          { length: shape.length / 2 },
          (_, k) =>
            `<circle class="line ${kind}" fill="none" stroke-width="${round(size / 130)}" cx="${round(shape[2 * k]!)}" cy="${round(shape[2 * k + 1]!)}" r="${round(size / 90)}"/>`,
        ).join("");
  const ratio = percent(model.eigenvalues[i]! / model.totalVariance);
  return `<figure class="card"><svg viewBox="${box}" role="img" aria-label="Mode ${i + 1} at minus and plus ${REACH} standard deviations">${lines(contours, model.mean, "rest", size)}${lines(contours, low!, "low", size, dash)}${lines(contours, high!, "high", size)}${dots(low!, "low")}${dots(high!, "high")}</svg><figcaption>Mode ${i + 1}: ${ratio}</figcaption></figure>`;
}

/** Cumulative explained variance over the number of modes, on a logarithmic axis, with the stages in both readings. */
function varianceCurve(
  table: readonly { modes: number; cumulativeRatio: number }[],
  stages: readonly KnownStage[],
): string {
  const [width, height, left, bottom, top, right] = [720, 330, 52, 44, 28, 16];
  const last = Math.max(2, table.length);
  const x = (modes: number) => round(left + (Math.log(modes) / Math.log(last)) * (width - left - right));
  const y = (ratio: number) => round(height - bottom - ratio * (height - top - bottom));
  const ticks = [1, 2, 3, 5, 10, 20, 50, 100, 200].filter((modes) => modes <= last);
  const grid = [0, 0.2, 0.4, 0.6, 0.8, 1]
    .map(
      (ratio) =>
        `<line class="grid" x1="${left}" x2="${width - right}" y1="${y(ratio)}" y2="${y(ratio)}"/><text x="${left - 8}" y="${y(ratio) + 4}" text-anchor="end">${100 * ratio}</text>`,
    )
    .join("");
  const labels = ticks
    .map((modes) => `<text x="${x(modes)}" y="${height - bottom + 20}" text-anchor="middle">${modes}</text>`)
    .join("");
  const curve = table.map(({ modes, cumulativeRatio }) => `${x(modes)},${y(cumulativeRatio)}`).join(" ");
  const marks = stages
    .map(({ byVariance, byCount, varianceByCount }) => {
      const circle =
        byVariance !== undefined &&
        `<circle class="variance" cx="${x(byVariance)}" cy="${y(table[byVariance - 1]!.cumulativeRatio)}" r="6"/>`;
      const square =
        byCount !== undefined &&
        `<rect class="count" x="${x(byCount) - 5.5}" y="${y(varianceByCount!) - 5.5}" width="11" height="11"/>`;
      return `${circle || ""}${square || ""}`;
    })
    .join("");
  return `<svg class="plot" viewBox="0 0 ${width} ${height}" role="img" aria-label="Explained variance over the number of modes: the table below gives its stages">${grid}${labels}<text x="${(left + width) / 2}" y="${height - 6}" text-anchor="middle">modes</text><text x="${left}" y="14" text-anchor="middle" dx="24">explained variance (%)</text><polyline class="curve" points="${curve}"/>${marks}</svg>`;
}

/** One row of pictures for each reading of the percentages, a picture a stage. */
function faceStages(
  model: PointModel,
  {
    face,
    index,
    contours,
    stages,
  }: {
    face: ShapeFace;
    index: number;
    contours: readonly FaceContour[];
    stages: readonly KnownStage[];
  },
): string {
  const rows = (["byVariance", "byCount"] as const).map((reading) => {
    const name = reading === "byVariance" ? "by variance" : "by count";
    const cells = stages.flatMap(({ stage, [reading]: modes }) => {
      if (modes === undefined) return [];
      const phi = model.difficulty(face.inModel, { modes, unit: "landmark" });
      const smooth = face.toDrawing(model.smooth(face.inModel, { modes }));
      const mean = phi.reduce((sum, value) => sum + value, 0) / phi.length;
      return `<figure>${difficultyPicture({ face, index, contours, phi, smooth })}<figcaption>${percent(stage.fraction)} ${name}, k = ${modes}<br>mean Φ ${mean.toFixed(2)}</figcaption></figure>`;
    });
    return cells.length === 0
      ? ""
      : `<div class="stages" tabindex="0" role="group" aria-label="${escapeHtml(face.id)}, ${name}">${cells.join("")}</div>`;
  });
  return `<h3>${escapeHtml(face.id)}</h3>${rows.join("")}`;
}

function difficultyPicture({
  face,
  index,
  contours,
  phi,
  smooth,
}: {
  face: ShapeFace;
  index: number;
  contours: readonly FaceContour[];
  phi: Float64Array;
  smooth: Float64Array;
}): string {
  const { shape, picture } = face;
  let box = "-0.5 -0.5 1 1";
  let size = 1;
  if (!picture) {
    const axis = (a: number) => Array.from(shape).filter((_, q) => q % 2 === a);
    const [xs, ys] = [axis(0), axis(1)];
    const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    size = 1.15 * Math.max(x1 - x0, y1 - y0);
    box = `${round((x0 + x1 - size) / 2)} ${round((y0 + y1 - size) / 2)} ${round(size)} ${round(size)}`;
  }
  const dots = Array.from(phi, (value, k) => {
    const radius = round(size * (0.006 + 0.01 * value));
    return `<circle cx="${round(shape[2 * k]!)}" cy="${round(shape[2 * k + 1]!)}" r="${radius}" fill="${color(value)}" stroke="#14181e" stroke-width="${round(size / 400)}"/>`;
  }).join("");
  const smoothLines = contours
    .map(({ landmarks, isClosed }) => {
      const path = landmarks
        .map((k) => `${smooth[2 * k]!.toPrecision(5)} ${smooth[2 * k + 1]!.toPrecision(5)}`)
        .join("L");
      const d = `M${path}${isClosed ? "Z" : ""}`;
      // Dark below bright: seen on any picture.
      return `<path fill="none" stroke="#14181e" stroke-opacity=".6" stroke-width="${round(size / 75)}" d="${d}"/><path fill="none" stroke="#7fe3ff" stroke-width="${round(size / 150)}" d="${d}"/>`;
    })
    .join("");
  const hardest = phi.indexOf(1);
  return `<svg viewBox="${box}" role="img" aria-label="Difficulty; the hardest landmark is number ${hardest}">${picture ? `<use href="#picture${index}" x="-0.5" y="-0.5" width="1" height="1"/>` : ""}${smoothLines}${dots}</svg>`;
}

function color(value: number): string {
  const place = value * (EASY_TO_HARD.length - 1);
  const i = Math.min(EASY_TO_HARD.length - 2, Math.floor(place));
  const [from, to] = [EASY_TO_HARD[i]!, EASY_TO_HARD[i + 1]!];
  return `rgb(${from.map((channel, c) => Math.round(channel + (place - i) * (to[c]! - channel))).join(" ")})`;
}
