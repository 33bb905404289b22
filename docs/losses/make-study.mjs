#!/usr/bin/env node
/**
 * Draws the pictures and the table of docs/losses/README.md: curves from `plotLoss`, and a toy regression under Adam.
 *
 *   npm run build && node docs/losses/make-study.mjs
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createLoss, plotLoss } from "@acr/loss";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { parse, View } from "vega";
import { compile } from "vega-lite";

const file = (name) => new URL(name, import.meta.url);

async function draw(name, spec) {
  const themed = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    background: "white",
    config: { font: "sans-serif", axis: { labelFontSize: 11, titleFontSize: 12 }, view: { stroke: "#ccc" } },
    ...spec,
  };
  const view = new View(parse(compile(themed).spec), { renderer: "none" });
  writeFileSync(file(name), `${await view.toSVG()}\n`);
  view.finalize();
}

const quantitative = (field, title, scale) => ({ field, type: "quantitative", title, ...(scale && { scale }) });
const lines = (values, x, y, color, size = {}) => ({
  width: 300,
  height: 220,
  ...size,
  data: { values },
  mark: { type: "line", clip: true },
  encoding: { x, y, color },
});
const rowsOf = (plot, field, extra) =>
  plot.curves.flatMap((curve) =>
    plot.errors.map((error, i) => ({ error, y: curve[field][i], series: String(curve.difficulty), ...extra })),
  );

// The paper's Figs. 2 and 3: value and influence of ACR for some Φ.
const LAMBDA = 5;
const acr = plotLoss("acr", { options: { lambda: LAMBDA }, maxError: 1.5 });
const byPhi = { field: "series", type: "nominal", title: "Φ" };
for (const [name, field, title] of [
  ["acr-value.svg", "values", "loss"],
  ["acr-influence.svg", "influences", "influence dl/de"],
]) {
  await draw(name, lines(rowsOf(acr, field), quantitative("error", "error"), quantitative("y", title), byPhi));
}

// All losses at equal scale: the unit of the error is the width of a crop of 256 pixels; influence at 1 % error is 1.
const UNIT = 0.01;
const SETTINGS = [
  ["L1", "l1", {}],
  ["L2", "l2", {}],
  ["smooth L1, β 0.02", "smoothL1", { beta: 0.02 }],
  ["Huber, δ 0.02", "huber", { delta: 0.02 }],
  ["Wing, 0.04 / 0.008", "wing", { width: 10 / 256, curvature: 2 / 256 }],
  ["soft Wing, 0.008 / 0.08 / 0.002", "softWing", { omega1: 2 / 256, omega2: 20 / 256, epsilon: 0.5 / 256 }],
  ["rectified Wing, 0.002", "rectifiedWing", { width: 10 / 256, curvature: 2 / 256, rectify: 0.5 / 256 }],
  ["Charbonnier, ε 0.005", "charbonnier", { epsilon: 0.005 }],
  ["log-cosh", "logCosh", {}],
  ["ACR Φ 0", "acr", { scale: 10 }, 0],
  ["ACR Φ 0.5", "acr", { scale: 10 }, 0.5],
  ["ACR Φ 1", "acr", { scale: 10 }, 1],
];
const equal = SETTINGS.flatMap(([title, name, options, phi = 0]) => {
  const { errors, curves } = plotLoss(name, { options, maxError: 0.1, pointCount: 2001, difficulties: [phi] });
  const at = errors.findIndex((error) => error >= UNIT - 1e-9);
  const unit = curves[0].influences[at];
  return errors.flatMap((error, i) =>
    error >= 0 && i % 4 === 0 ? [{ error: error * 100, y: curves[0].influences[i] / unit, series: title }] : [],
  );
});
await draw("influence-equal-scale.svg", {
  columns: 3,
  spacing: 16,
  data: { values: equal },
  facet: { field: "series", type: "nominal", title: null, sort: SETTINGS.map(([title]) => title) },
  spec: {
    width: 150,
    height: 110,
    mark: { type: "line", clip: true },
    encoding: {
      x: quantitative("error", "|error|, % of the crop"),
      y: quantitative("y", "influence", { domain: [0, 5] }),
    },
  },
});

// A linear regressor of easy and hard coordinates under Adam, from the same start.
await tf.setBackend("cpu");
const [FACES, INPUTS, POINTS, STEPS, EVERY] = [256, 12, 20, 600, 10];
const isHard = Array.from({ length: POINTS }, (_, k) => k >= POINTS / 2);
const x = tf.randomNormal([FACES, INPUTS], 0, 1, "float32", 1);
const truth = tf.mul(tf.matMul(x, tf.randomNormal([INPUTS, 2 * POINTS], 0, 1, "float32", 2)), 0.03);
const noise = tf.reshape(tf.randomNormal([FACES, POINTS, 2], 0, 1, "float32", 3), [FACES, 2 * POINTS]);
const isOutlier = tf.cast(tf.less(tf.randomUniform([FACES, 2 * POINTS], 0, 1, "float32", 4), 0.05), "float32");
const size = tf.tensor(isHard.flatMap((hard) => (hard ? [0.03, 0.03] : [0.004, 0.004])));
// One label in twenty of a hard point is off by six times as much, always to the same side.
const shift = tf.mul(isOutlier, tf.mul(size, tf.tensor(isHard.flatMap((hard) => (hard ? [6, 6] : [0, 0])))));
const labels = tf.add(tf.add(truth, tf.mul(noise, size)), shift);
const difficulty = tf.tile(tf.tensor2d([isHard.map((hard) => (hard ? 0.9 : 0.1))]), [FACES, 1]);

function train(name, options) {
  const loss = createLoss(name, options);
  const weights = tf.variable(tf.zeros([INPUTS, 2 * POINTS]));
  const bias = tf.variable(tf.zeros([2 * POINTS]));
  const optimizer = tf.train.adam(0.003);
  const predict = () => tf.add(tf.matMul(x, weights), bias);
  const curve = [];
  for (let step = 0; step <= STEPS; step++) {
    if (step % EVERY === 0) {
      const errors = tf.tidy(() => tf.mean(tf.abs(tf.sub(predict(), truth)), 0).dataSync());
      const meanOf = (hard) => {
        const chosen = [...errors].filter((_, i) => isHard[i >> 1] === hard);
        return (100 * chosen.reduce((a, b) => a + b)) / chosen.length;
      };
      curve.push({ step, easy: meanOf(false), hard: meanOf(true) });
    }
    tf.tidy(() => {
      const { grads } = tf.variableGrads(() => loss(predict(), labels, { difficulty }), [weights, bias]);
      optimizer.applyGradients(grads);
    });
  }
  tf.dispose([weights, bias]);
  optimizer.dispose();
  return curve;
}

// tfjs-core alone has no gradients of matMul and add, which the toy model needs.
await import("@tensorflow/tfjs-layers");
const runs = [
  ["L2", "l2", {}],
  ["L1", "l1", {}],
  ...[1, 10, 100].flatMap((scale) =>
    [1, 5, 25].map((lambda) => [`ACR scale ${scale} λ ${lambda}`, "acr", { scale, lambda }]),
  ),
].map(([title, name, options]) => ({ title, options, curve: train(name, options) }));

const adam = runs
  .filter(({ options }) => options.scale)
  .flatMap(({ options, curve }) =>
    curve.flatMap(({ step, easy, hard }) => [
      { step, y: easy, series: `λ ${options.lambda}`, scale: `scale ${options.scale}`, points: "easy points" },
      { step, y: hard, series: `λ ${options.lambda}`, scale: `scale ${options.scale}`, points: "hard points" },
    ]),
  );
await draw("scale-and-lambda-under-adam.svg", {
  data: { values: adam },
  facet: {
    column: { field: "scale", type: "nominal", title: null, sort: ["scale 1", "scale 10", "scale 100"] },
    row: { field: "points", type: "nominal", title: null },
  },
  spec: {
    width: 190,
    height: 130,
    mark: { type: "line", clip: true },
    encoding: {
      x: quantitative("step", "step"),
      y: quantitative("y", "error, %", { type: "log", domain: [0.05, 5] }),
      color: { field: "series", type: "nominal", title: "λ", sort: ["λ 1", "λ 5", "λ 25"] },
      strokeDash: { field: "series", type: "nominal", title: "λ", sort: ["λ 1", "λ 5", "λ 25"] },
    },
  },
});

// The table stands between two marks of the page.
const table = [
  "| loss | easy points | hard points |",
  "| --- | --- | --- |",
  ...runs.map(({ title, curve }) => `| ${title} | ${curve.at(-1).easy.toFixed(3)} | ${curve.at(-1).hard.toFixed(3)} |`),
].join("\n");
const page = readFileSync(file("README.md"), "utf8");
const marked = /(<!-- table -->\n)[\s\S]*?(\n<!-- end of table -->)/;
if (!marked.test(page)) throw new Error("README.md has lost the marks of its table");
writeFileSync(
  file("README.md"),
  page.replace(marked, (_, start, end) => `${start}\n${table}\n${end}`),
);
console.log(table);
