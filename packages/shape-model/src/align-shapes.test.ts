import { createRandom } from "@acr/core";
import { exampleShapes } from "./__fixtures__/example-shapes.js";
import { expectClose } from "./__fixtures__/expect-close.js";
import { alignShapes } from "./align-shapes.js";
import { applySimilarity } from "./apply-similarity.js";
import { invertSimilarity } from "./invert-similarity.js";
import { similarityBetween } from "./similarity-between.js";

const [face] = exampleShapes(1) as [number[]];
const random = createRandom(9);
const randomSimilarity = (scale = random.uniform(0.3, 4)) => ({
  scale,
  rotationRadians: random.uniform(-3, 3),
  translation: [random.uniform(-50, 50), random.uniform(-50, 50)] as const,
});
const mirrored = face.map((value, q) => (q % 2 === 0 ? -value : value));

describe("similarityBetween(source, target)", () => {
  it("finds the similarity that made the target, and its inverse undoes it", () => {
    const made = randomSimilarity();
    const found = similarityBetween(face, applySimilarity(made, face));
    expectClose(
      [found.scale, found.rotationRadians, ...found.translation],
      [made.scale, made.rotationRadians, ...made.translation],
      1e-12,
    );
    expectClose(applySimilarity(invertSimilarity(made), applySimilarity(made, face)), face, 1e-12);
  });

  it("leaves no way to come nearer: every small change of the result is worse", () => {
    const target = exampleShapes(2)[1]!;
    const best = similarityBetween(face, target);
    const distance = (similarity: typeof best) =>
      applySimilarity(similarity, face).reduce((sum, value, q) => sum + (value - target[q]!) ** 2, 0);
    for (const step of [-1e-3, 1e-3]) {
      expect(distance({ ...best, scale: best.scale + step })).toBeGreaterThan(distance(best));
      expect(distance({ ...best, rotationRadians: best.rotationRadians + step })).toBeGreaterThan(distance(best));
      expect(distance({ ...best, translation: [best.translation[0] + step, best.translation[1]] })).toBeGreaterThan(
        distance(best),
      );
    }
  });

  it("never scales when rigid and never reflects", () => {
    expect(similarityBetween(face, applySimilarity(randomSimilarity(3), face), { kind: "rigid" }).scale).toBe(1);
    const moved = applySimilarity(similarityBetween(mirrored, face), mirrored);
    expect(Math.max(...moved.map((value, q) => Math.abs(value - face[q]!)))).toBeGreaterThan(0.1);
  });

  it.each([
    [() => similarityBetween([1, 2, 3], face), "source must hold 2K numbers; got 3"],
    [() => similarityBetween(face, [1, 2]), "target must have 10 numbers; got 2"],
    [() => similarityBetween(face, face.with(3, Number.NaN)), "target[3] must be finite; got NaN"],
    [() => similarityBetween(new Float64Array(10), face), "the points of source all fall together"],
    [() => similarityBetween(face, new Float64Array(10)), "the points of target all fall together"],
    [
      () => similarityBetween(face, face, { kind: "affine" as never }),
      'kind must be "similarity" or "rigid"; got "affine"',
    ],
    [() => applySimilarity({ scale: 0, rotationRadians: 0, translation: [0, 0] }, face), "finite with scale > 0"],
    [() => applySimilarity(similarityBetween(face, face), [1]), "shape must hold 2K numbers; got 1"],
  ])("throws a clear error (%#)", (run, message) => {
    expect(run).toThrow(message);
  });
});

describe("alignShapes(shapes)", () => {
  it("removes a random similarity: copies of one face fall together", () => {
    const copies = Array.from({ length: 8 }, () => applySimilarity(randomSimilarity(), face));
    const { shapes, mean, similarities, converged } = alignShapes(copies);
    expect(converged).toBe(true);
    for (const shape of shapes) expectClose(shape, [...mean], 1e-10);
    expectClose(applySimilarity(similarities[3]!, copies[3]!), [...shapes[3]!], 1e-14);
  });

  it("keeps sizes when rigid", () => {
    const copies = [1, 2, 3].map((scale) => applySimilarity(randomSimilarity(scale), face));
    const { similarities, mean } = alignShapes(copies, { kind: "rigid" });
    expect(similarities.map(({ scale }) => scale)).toEqual([1, 1, 1]);
    const spread = (shape: ArrayLike<number>) => Math.hypot(shape[0]! - shape[8]!, shape[1]! - shape[9]!);
    expect(spread(mean)).toBeCloseTo(2 * spread(face), 8);
  });

  it("gives a mean that is the mean of the aligned shapes, centred, in the orientation of the first", () => {
    const { shapes, mean } = alignShapes(exampleShapes(30));
    const plain = Array.from(mean, (_, q) => shapes.reduce((sum, shape) => sum + shape[q]!, 0) / shapes.length);
    const { scale: _, ...rest } = similarityBetween(plain, mean);
    expectClose(applySimilarity({ scale: similarityBetween(plain, mean).scale, ...rest }, plain), [...mean], 1e-10);
    expect(mean.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 12);
    expect(similarityBetween(exampleShapes(1)[0]!, mean).rotationRadians).toBeCloseTo(0, 12);
  });

  it("does not reflect a mirrored face, changes no argument, and says when it was stopped", () => {
    const input = [face.slice(), mirrored.slice()];
    const { shapes, converged } = alignShapes(input, { maxIterations: 1 });
    expect(converged).toBe(false);
    expect(Math.max(...shapes[0]!.map((value, q) => Math.abs(value - shapes[1]![q]!)))).toBeGreaterThan(0.1);
    expect(input).toEqual([face, mirrored]);
  });

  it.each([
    [() => alignShapes([face]), "shapes must hold at least 2; got 1"],
    [() => alignShapes(undefined as never), "shapes must hold at least 2; got none"],
    [() => alignShapes([face, [1, 2]]), "shape 1 must have 10 numbers; got 2"],
    [() => alignShapes([[1, 2, 3], face]), "shapes must hold 2K numbers; got 3"],
    [() => alignShapes([face, new Float64Array(10)]), "the points of shape 1 all fall together"],
    [() => alignShapes([face, face.with(0, Number.POSITIVE_INFINITY)]), "shape 1[0] must be finite; got Infinity"],
    [() => alignShapes([face, face], { tolerance: 0 }), "tolerance must be > 0; got 0"],
    [() => alignShapes([face, face], { maxIterations: 0 }), "maxIterations must be an integer >= 1; got 0"],
    [() => alignShapes([face, face], { scale: true } as never), 'unknown option "scale"'],
  ])("throws a clear error (%#)", (run, message) => {
    expect(run).toThrow(message);
  });
});
