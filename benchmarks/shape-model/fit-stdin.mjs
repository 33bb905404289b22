// Reads { shapes, faces, ks } as JSON, fits a model, and prints what compare_scikit_learn.py compares.
import { readFileSync } from "node:fs";
import { PointModel } from "@acr/shape-model";

const { shapes, faces, ks } = JSON.parse(readFileSync(0, "utf8"));
const model = PointModel.fit(shapes);
process.stdout.write(
  JSON.stringify({
    mean: [...model.mean],
    eigenvalues: [...model.eigenvalues],
    totalVariance: model.totalVariance,
    faces: faces.map((face) =>
      ks.map((modes) => ({
        smooth: [...model.smooth(face, { modes })],
        difficulty: [...model.difficulty(face, { modes })],
      })),
    ),
  }),
);
