// Compares `headPose` with the true pose of drawn faces: node benchmarks/metrics/head-pose.mjs [faces]. Build the packages first.
import { ibug68, wflw98 } from "@acr/core";
import { headPose } from "@acr/metrics";
import { createSyntheticFaces } from "@acr/synthetic";

const faces = Number(process.argv[2] ?? 4000);
const BINS = [0, 15, 30, 45, 60, 75];
const THRESHOLDS = [15, 30];
const round = (value) => Math.round(value * 1000) / 1000;
const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;
const figures = (pairs) => ({
  faces: pairs.length,
  meanAbsoluteError: round(mean(pairs.map(([told, found]) => Math.abs(found - told)))),
  meanSizeMinusTrueSize: round(mean(pairs.map(([told, found]) => Math.abs(found) - Math.abs(told)))),
});
function correlation(pairs) {
  const [a, b] = [mean(pairs.map(([told]) => told)), mean(pairs.map(([, found]) => found))];
  const sum = (term) => pairs.reduce((total, pair) => total + term(pair), 0);
  const covariance = sum(([told, found]) => (told - a) * (found - b));
  return round(covariance / Math.sqrt(sum(([told]) => (told - a) ** 2) * sum(([, found]) => (found - b) ** 2)));
}

const result = {};
for (const scheme of [ibug68, wflw98]) {
  const data = createSyntheticFaces({ count: faces, seed: 3, maxYawDegrees: 75, scheme });
  const yaw = [];
  const roll = [];
  const level = [];
  for (let i = 0; i < faces; i++) {
    const { landmarks, tags } = data.describe(i);
    const found = headPose(landmarks, { scheme });
    yaw.push([tags.yawDegrees, found.yawDegrees]);
    const pair = [tags.rollDegrees, found.rollDegrees];
    roll.push(pair);
    if (Math.abs(tags.yawDegrees) < 15 && Math.abs(tags.pitchDegrees) < 10) level.push(pair);
  }
  const bins = BINS.slice(1).map((high, i) => [
    `${BINS[i]}-${high}`,
    figures(yaw.filter(([told]) => Math.abs(told) >= BINS[i] && Math.abs(told) < high)),
  ]);
  const side = (degrees) => THRESHOLDS.filter((edge) => Math.abs(degrees) >= edge).length;
  result[scheme.id] = {
    yawCorrelation: correlation(yaw),
    yawSignRight: round(mean(yaw.filter(([told]) => Math.abs(told) > 5).map(([a, b]) => Number(a * b > 0)))),
    yawSameBin: round(mean(yaw.map(([told, found]) => Number(side(told) === side(found))))),
    yawByTrueSize: Object.fromEntries(bins),
    rollCorrelation: correlation(roll),
    roll: figures(roll),
    rollOfLevelFrontalFaces: figures(level),
  };
}
console.log(JSON.stringify({ node: process.version, faces, unit: "degrees", ...result }, null, 2));
