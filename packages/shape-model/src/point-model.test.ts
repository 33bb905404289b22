import { readFileSync } from "node:fs";
import { goldenFolder } from "@acr/testing";
import { exampleShapes } from "./__fixtures__/example-shapes.js";
import { expectClose } from "./__fixtures__/expect-close.js";
import { applySimilarity } from "./apply-similarity.js";
import { PointModel } from "./point-model.js";

const folder = goldenFolder("shape-model");
const read = (file: string) => JSON.parse(readFileSync(`${folder}/${file}`, "utf8"));
(folder ? describe : describe.skip).each(["afw-20", "afw-337"])("PointModel against scikit-learn on %s", (name) => {
  const { shapes } = folder ? read(`${name}.shapes.json`) : { shapes: [] };
  const golden = folder ? read(`${name}.model.json`) : {};
  const checks = folder ? read(`${name}.checks.json`) : {};
  const model = folder ? PointModel.fit(shapes) : (undefined as unknown as PointModel);

  it("fits mean, eigenvalues, total variance and mode counts", () => {
    expectClose(model.mean, golden.mean);
    expectClose(model.eigenvalues, golden.eigenvalues);
    expectClose([model.totalVariance], [golden.totalVariance]);
    expect(model.modes).toHaveLength(golden.numberOfModes);
    for (const stage of golden.stages) {
      expect(model.modeCount({ by: "variance", fraction: stage.fraction })).toBe(stage.kByVariance);
      expect(model.modeCount({ by: "count", fraction: stage.fraction })).toBe(stage.kByCount);
    }
  });

  it("gives the reconstructions, smooth faces and difficulties of every checked face and mode count", () => {
    for (const face of checks.faces) {
      expectClose([model.mahalanobisSquared(face.shape)], [face.mahalanobisSquared]);
      expectClose(model.project(face.shape).map(Math.abs), face.absoluteCoefficients);
      for (const expected of face.byModeCount) {
        const modes = expected.k;
        expectClose(model.reconstruct(model.project(face.shape, { modes })), expected.reconstruction);
        expectClose(model.smooth(face.shape, { modes }), expected.smooth);
        if (!expected.difficultyByCoordinate) continue;
        expectClose(model.difficulty(face.shape, { modes }), expected.difficultyByCoordinate);
        expectClose(model.difficulty(face.shape, { modes, unit: "landmark" }), expected.difficultyByPoint);
      }
    }
  });
});

const shapes = exampleShapes(60);
const model = PointModel.fit(shapes);

describe("PointModel", () => {
  it("reconstructs a face exactly from all modes, and gives the mean from none", () => {
    expectClose(model.reconstruct(model.project(shapes[5]!)), shapes[5]!, 1e-12);
    expect(model.smooth(shapes[5]!, { modes: 0 })).toEqual(model.mean);
    expect([...model.difficulty(shapes[5]!, { clip: false })].every((phi) => phi === 0)).toBe(true);
  });

  it("keeps difficulty within [0, 1] with a 1 in every face", () => {
    for (const shape of shapes) {
      const phi = model.difficulty(shape, { modes: 2 });
      expect(Math.max(...phi)).toBe(1);
      expect(Math.min(...phi)).toBeGreaterThanOrEqual(0);
    }
  });

  it("comes back from JSON exactly, and keeps the total variance when truncated", () => {
    const copy = PointModel.fromJSON(JSON.parse(JSON.stringify(model)));
    expect(copy.smooth(shapes[0]!)).toEqual(model.smooth(shapes[0]!));
    const truncated = PointModel.fit(shapes, { maxModes: 2 });
    expect(truncated.totalVariance).toBe(model.totalVariance);
    expect(truncated.modes).toHaveLength(2);
    const half = { by: "variance", fraction: 0.5 } as const;
    expect(truncated.modeCount(half)).toBe(model.modeCount(half));
    expect(() => truncated.modeCount({ by: "variance", fraction: 1 })).toThrow("what the 2 modes kept explain; got 1");
  });

  it("gives the same model from a generator that is read once", () => {
    const many = exampleShapes(500);
    let pulled = 0;
    const streamed = PointModel.fit(
      (function* () {
        for (const shape of many) {
          pulled++;
          yield shape;
        }
      })(),
    );
    expect(pulled).toBe(500);
    expect(streamed.toJSON()).toEqual(PointModel.fit(many).toJSON());
    // Squared, the decomposition of the shapes themselves must give the same variances.
    const [few, again] = [PointModel.fit(many.slice(0, 39)), PointModel.fit(many.slice(39, 60))];
    expectClose(PointModel.merge(few, again).eigenvalues, [...PointModel.fit(many.slice(0, 60)).eigenvalues], 1e-12);
  });

  it("merges two models into the model of all shapes", () => {
    const [first, second] = [PointModel.fit(shapes.slice(0, 25)), PointModel.fit(shapes.slice(25))];
    const merged = PointModel.merge(first, second);
    expect(merged.sampleCount).toBe(60);
    expectClose(merged.mean, [...model.mean], 1e-13);
    expectClose([merged.totalVariance], [model.totalVariance], 1e-12);
    expectClose(merged.smooth(shapes[3]!, { modes: 2 }), [...model.smooth(shapes[3]!, { modes: 2 })], 1e-10);
    const truncated = PointModel.fit(shapes, { maxModes: 2 });
    expect(() => PointModel.merge(truncated, second)).toThrow("models must hold all their modes; got 2");
  });

  it("limits coefficients each for itself, or all together within an ellipsoid", () => {
    const far = model.reconstruct([10, 0.01, 0.02].map((value, i) => value * Math.sqrt(model.eigenvalues[i]!)));
    const box = model.project(far, { modes: 3, clip: 3 });
    expect(box[0]).toBeCloseTo(3 * Math.sqrt(model.eigenvalues[0]!), 12);
    expectClose([box[1]! ** 2 / model.eigenvalues[1]!], [1e-4], 1e-6);
    const inside = model.smooth(far, { modes: 3, clip: 3, region: "ellipsoid" });
    expect(model.mahalanobisSquared(inside, { modes: 3 })).toBeCloseTo(9, 8);
    // The direction stays: the first two coefficients keep their ratio of 1000.
    const [first, second] = model.project(inside, { modes: 2 });
    expect(first! / Math.sqrt(model.eigenvalues[0]!) / (second! / Math.sqrt(model.eigenvalues[1]!))).toBeCloseTo(
      1000,
      4,
    );
  });

  it("lists how much each mode explains, up to all of it", () => {
    const table = model.explainedVariance();
    expect(table).toHaveLength(10);
    expect(table.at(-1)!.cumulativeRatio).toBeCloseTo(1, 12);
    expect(table[0]!.ratio).toBe(model.eigenvalues[0]! / model.totalVariance);
  });

  it("removes pose before fitting when told to align", () => {
    const turned = shapes.map((shape, i) =>
      applySimilarity({ scale: 1 + i / 50, rotationRadians: i, translation: [i, -i] }, shape),
    );
    const [plain, aligned] = [shapes, turned].map((list) => PointModel.fit(list, { align: "procrustes" }));
    const share = ({ eigenvalues, totalVariance }: PointModel) =>
      [...eigenvalues.slice(0, 3)].map((value) => value / totalVariance);
    expect(share(aligned!)[0]).toBeGreaterThan(0.1);
    expectClose(share(aligned!), share(plain!), 0.5);
    expect(PointModel.fit(turned).totalVariance).toBeGreaterThan(100 * aligned!.totalVariance);
  });

  it("takes an option given as undefined for its default", () => {
    expect(model.smooth(shapes[0]!, { clip: undefined, modes: undefined })).toEqual(model.smooth(shapes[0]!));
  });

  it("takes the same modes from the covariance of many shapes as from the shapes", () => {
    const few = PointModel.fit(shapes.slice(0, 39));
    const many = PointModel.fit([...shapes.slice(0, 39), ...shapes.slice(0, 39)]);
    expectClose(many.mean, [...few.mean], 1e-10);
    expectClose(
      many.eigenvalues.slice(0, 2).map((value) => (value * 77) / 76),
      [...few.eigenvalues.slice(0, 2)],
      1e-9,
    );
  });

  it("samples the same shape for the same seed", () => {
    expect(model.sample(1)).toEqual(model.sample(1));
    expect(model.sample(1)).not.toEqual(model.sample(2));
  });

  it.each([
    [() => PointModel.fit([[1, 2]]), "shapes must hold at least 2; got 1"],
    [
      () =>
        PointModel.fit([
          [1, 2],
          [1, 2, 3, 4],
        ]),
      "shape 1 must have 2 numbers; got 4",
    ],
    [
      () =>
        PointModel.fit([
          [1, Number.NaN],
          [1, 2],
        ]),
      "shape 0[1] must be finite; got NaN",
    ],
    [
      () =>
        PointModel.fit([
          [1, 2],
          [1, 2],
        ]),
      "the shapes are all the same",
    ],
    [() => model.modeCount({ by: "count", fraction: 0 }), "fraction must be in (0, 1]; got 0"],
    [() => model.smooth(shapes[0]!, { modes: 11 }), "modes must be an integer from 0 to 10; got 11"],
    [() => model.project([1, 2]), "shape must have 10 numbers; got 2"],
    [() => PointModel.fromJSON({ ...model.toJSON(), formatVersion: 2 as never }), "formatVersion must be 1; got 2"],
    [
      () =>
        PointModel.fit([
          [1, 2],
          [1, 2, 3],
        ]),
      "shape 1 must have 2 numbers; got 3",
    ],
    [() => PointModel.fit([[1, 2, 3]]), "shapes must hold 2K numbers; got 3"],
    [() => PointModel.fit(undefined as never), "shapes must be an iterable of flat shapes; got undefined"],
    [() => PointModel.fit(shapes, { maxModes: 0 }), "maxModes must be an integer >= 1; got 0"],
    [() => PointModel.fit(shapes, { maxModes: 1.5 }), "maxModes must be an integer >= 1; got 1.5"],
    [() => PointModel.fit(shapes, { align: "gpa" as never }), 'align must be "none" or "procrustes"; got "gpa"'],
    [() => PointModel.fit(new Set(shapes), { align: "procrustes" }), "needs all shapes at once"],
    [() => PointModel.fit([shapes[0]!, shapes[0]!, shapes[0]!]), "the shapes are all the same"],
    [() => model.modeCount({ by: "share" as never, fraction: 0.5 }), 'by must be "variance" or "count"; got "share"'],
    [() => model.modeCount({ by: "count", fraction: Number.NaN }), "fraction must be in (0, 1]; got NaN"],
    [() => model.smooth(shapes[0]!, { clip: 0 }), "clip must be > 0 or false; got 0"],
    [() => model.smooth(shapes[0]!, { region: "ball" as never }), 'region must be "box" or "ellipsoid"; got "ball"'],
    [() => model.smooth(shapes[0]!, { mode: 2 } as never), 'unknown option "mode". Did you mean modes?'],
    [
      () => model.difficulty(shapes[0]!, { unit: "point" as never }),
      'unit must be "coordinate" or "landmark"; got "point"',
    ],
    [() => model.reconstruct([Number.NaN]), "coefficients[0] must be finite; got NaN"],
    [() => model.reconstruct(new Float64Array(11)), "modes must be an integer from 0 to 10; got 11"],
    [() => model.project([...shapes[0]!].fill(Number.NaN)), "shape[0] must be finite; got NaN"],
    [
      () =>
        PointModel.merge(
          model,
          PointModel.fit([
            [0, 1],
            [2, 2],
          ]),
        ),
      "both must have 5 landmarks; got 1",
    ],
    [() => PointModel.fromJSON(undefined as never), "formatVersion must be 1; got undefined"],
    [() => PointModel.fromJSON({ ...model.toJSON(), mean: undefined as never }), "mean must hold 2K finite numbers"],
    [() => PointModel.fromJSON({ ...model.toJSON(), totalVariance: 0 }), "totalVariance must be > 0; got 0"],
    [
      () => PointModel.fromJSON({ ...model.toJSON(), sampleCount: undefined as never }),
      "sampleCount must be an integer >= 2; got undefined",
    ],
    [() => PointModel.fromJSON({ ...model.toJSON(), eigenvalues: [-1] }), "eigenvalues must be finite numbers >= 0"],
    [() => PointModel.fromJSON({ ...model.toJSON(), modes: [] }), "modes must be 10 rows of 10 finite numbers"],
  ])("throws a clear error (%#)", (run, message) => {
    expect(run).toThrow(message);
  });
});
