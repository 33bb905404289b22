/**
 * Writes src/internal/presets/<scheme>.ts from models of synthetic faces, so that they load everywhere without a file:
 *
 *   for s in ibug68 cofw29 wflw98; do npx acr shape fit --scheme $s --mirror --out $s.acrb; done
 *   node packages/shape-model/scripts/embed-presets.mjs ibug68.acrb cofw29.acrb wflw98.acrb   after npm run build
 *
 * Numbers are kept as float32: half the size, and modes stay orthonormal to 1e-6.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { PointModel } from "@acr/shape-model";

for (const file of process.argv.slice(2)) {
  const model = PointModel.fromBinary(readFileSync(file));
  const { scheme, mean, eigenvalues, modes, totalVariance, sampleCount } = model;
  const numbers = Float32Array.from([...mean, ...eigenvalues, ...modes.flatMap((mode) => [...mode])]);
  const name = scheme.toUpperCase();
  writeFileSync(
    new URL(`../src/internal/presets/${scheme}.ts`, import.meta.url),
    `// Written by scripts/embed-presets.mjs; do not edit.
import type { EmbeddedModel } from "./embedded-model.js";

/** Fitted on ${sampleCount} labels of synthetic faces: no photograph and no label of a person is in it. */
export const ${name}: EmbeddedModel = {
  scheme: "${scheme}",
  sampleCount: ${sampleCount},
  totalVariance: ${totalVariance},
  landmarkCount: ${model.landmarkCount},
  modeCount: ${modes.length},
  float32: "${Buffer.from(numbers.buffer).toString("base64")}",
};
`,
  );
}
