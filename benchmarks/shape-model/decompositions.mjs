/**
 * The three ways of ml-pca to a decomposition, on the same shapes: time, and the largest errors of variances and modes
 * against the singular values of the whole data. NIPALS takes modes one after the other; it is asked for 12 of 136, for more
 * takes minutes.
 *
 *   node benchmarks/shape-model/decompositions.mjs   after npm run build
 */
import { Matrix } from "ml-matrix";
import { PCA } from "ml-pca";
import { randomShapes } from "./random-shapes.mjs";

const LANDMARKS = 68;
const NIPALS_MODES = 12;

function run(shapes, method, nCompNIPALS) {
  const start = performance.now();
  const pca = new PCA(shapes, { method, nCompNIPALS });
  const ms = performance.now() - start;
  // ml-pca gives the squared singular values of NIPALS as they are; the others are divided by n − 1.
  const divisor = method === "NIPALS" ? shapes.length - 1 : 1;
  return { ms, variances: pca.getEigenvalues().map((value) => value / divisor), vectors: pca.getEigenvectors() };
}

const table = [];
for (const count of [337, 544, 3148]) {
  const shapes = [...randomShapes({ count, landmarkCount: LANDMARKS })].map((shape) => [...shape]);
  const oracle = run(shapes, "SVD");
  for (const method of ["SVD", "covarianceMatrix", "NIPALS"]) {
    const asked = method === "NIPALS" ? NIPALS_MODES : undefined;
    const result = run(shapes, method, asked);
    const times = [result.ms, run(shapes, method, asked).ms, run(shapes, method, asked).ms].sort((a, b) => a - b);
    const errors = result.variances.map((value, i) => Math.abs(value - oracle.variances[i]) / oracle.variances[0]);
    // Orthonormality is what projection and reconstruction rest on.
    const gram = result.vectors.transpose().mmul(result.vectors);
    const skew = Math.max(...Matrix.sub(gram, Matrix.eye(gram.rows)).to1DArray().map(Math.abs));
    table.push({
      shapes: count,
      method,
      modes: result.vectors.columns,
      medianMs: Math.round(times[1]),
      varianceError: Number(Math.max(...errors).toExponential(1)),
      skew: Number(skew.toExponential(1)),
    });
  }
}
console.log(JSON.stringify({ node: process.version, landmarks: LANDMARKS, table }, null, 2));
