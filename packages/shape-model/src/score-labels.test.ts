import { createRandom } from "@acr/core";
import { Matrix, pseudoInverse } from "ml-matrix";
import { applySimilarity } from "./apply-similarity.js";
import { scoreLabels } from "./score-labels.js";

const random = createRandom(2);
const base = Array.from({ length: 20 }, () => random.uniform(-50, 50));
const faces = Array.from({ length: 100 }, () => {
  const a = random.normal(0, 4);
  const shape = base.map((value, q) => value + a * Math.sin(q) + random.normal(0, 0.5));
  const pose = {
    scale: random.uniform(0.5, 2),
    rotationRadians: random.uniform(-0.5, 0.5),
    translation: [random.uniform(0, 90), 5] as const,
  };
  return applySimilarity(pose, shape);
});

describe("scoreLabels(shapes)", () => {
  it("finds the face and the landmark that was moved, and calls no other suspect", () => {
    const broken = faces.map((face) => face.slice());
    broken[17]![2 * 6]! += 12;
    broken[42]![2 * 3 + 1]! -= 12;
    const suspects = scoreLabels(broken).filter(({ isSuspect }) => isSuspect);
    expect(suspects.map(({ index, landmark }) => [index, landmark]).sort()).toEqual(
      [
        [17, 6],
        [42, 3],
      ].sort(),
    );
    expect(scoreLabels(faces).filter(({ isSuspect }) => isSuspect)).toEqual([]);
  });

  it("finds two labels that changed places", () => {
    const broken = faces.map((face) => face.slice());
    const face = broken[5]!;
    [face[0], face[1], face[8], face[9]] = [face[8]!, face[9]!, face[0]!, face[1]!];
    expect(scoreLabels(broken)[0]).toMatchObject({ index: 5, isSuspect: true });
  });

  it("gives a usual face about 1 by its Mahalanobis distance", () => {
    const scores = scoreLabels(faces);
    const average = scores.reduce((sum, { mahalanobis }) => sum + mahalanobis, 0) / scores.length;
    // 16 of 20 directions are free after alignment.
    expect(average).toBeGreaterThan(0.7);
    expect(average).toBeLessThan(0.9);
  });

  it("is the residual of the conditional mean, weighed by its covariance", () => {
    // With Σ = [[2, 1], [1, 2]] by blocks the formula of the docstring against Schur's complement.
    const sigma = new Matrix([
      [2, 0.3, 1, 0],
      [0.3, 2, 0, 1],
      [1, 0, 2, 0],
      [0, 1, 0, 2],
    ]);
    const precision = pseudoInverse(sigma);
    const delta = Matrix.columnVector([1, 2, -1, 0.5]);
    const [own, other] = [
      [0, 1],
      [2, 3],
    ];
    const gain = sigma.selection(own, other).mmul(pseudoInverse(sigma.selection(other, other)));
    const residual = Matrix.sub(delta.selection(own, [0]), gain.mmul(delta.selection(other, [0])));
    const spread = Matrix.sub(sigma.selection(own, own), gain.mmul(sigma.selection(other, own)));
    const expected = residual.transpose().mmul(pseudoInverse(spread)).mmul(residual).get(0, 0);
    const pulled = precision.mmul(delta);
    const [a, b, c] = [precision.get(0, 0), precision.get(0, 1), precision.get(1, 1)];
    const [u, v] = [pulled.get(0, 0), pulled.get(1, 0)];
    expect((c * u * u - 2 * b * u * v + a * v * v) / (a * c - b * b)).toBeCloseTo(expected, 10);
  });

  it.each([
    [() => scoreLabels(faces.slice(0, 9)), "shapes must hold at least 10; got 9"],
    [() => scoreLabels(faces, { suspectFactor: 1 }), "suspectFactor must be > 1; got 1"],
    [() => scoreLabels(faces, { factor: 2 } as never), 'unknown option "factor"'],
  ])("throws a clear error (%#)", (run, message) => {
    expect(run).toThrow(message);
  });
});
