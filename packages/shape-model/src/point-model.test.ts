import { readFileSync } from "node:fs";
import { ibug68, wflw98 } from "@acr/core";
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

  it("truncates to what maxModes would have kept, and answers by count as the whole model does", () => {
    const truncated = model.truncate({ modes: 3 });
    expect(truncated.toJSON()).toEqual(PointModel.fit(shapes, { maxModes: 3 }).toJSON());
    const share = { by: "count", fraction: 0.25 } as const;
    expect(truncated.modeCount(share)).toBe(model.modeCount(share));
    expect(model.modes).toHaveLength(10);
  });

  it("remembers that its shapes were aligned, and does not merge models of different frames", () => {
    const aligned = PointModel.fit(shapes, { align: "procrustes" });
    expect(PointModel.fromBinary(aligned.toBinary()).align).toBe("procrustes");
    expect(PointModel.fromJSON(JSON.parse(JSON.stringify(aligned))).align).toBe("procrustes");
    expect(model.align).toBe("none");
    expect(() => PointModel.merge(aligned, aligned)).toThrow('fitted without align: "procrustes"');
  });

  it("fits shapes of which the first lies far from all others", () => {
    const outlier = shapes[0]!.map((value) => value + 1e6);
    const many = [outlier, ...exampleShapes(400)];
    const mean = many[0]!.map((_, q) => many.reduce((sum, shape) => sum + shape[q]!, 0) / many.length);
    const expected = many.reduce(
      (sum, shape) => sum + shape.reduce((own, value, q) => own + (value - mean[q]!) ** 2 / 400, 0),
      0,
    );
    expectClose([PointModel.fit(many).totalVariance], [expected], 1e-10);
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

  it("weighs shapes as numpy.cov(aweights) does, and whole numbers as repetition", () => {
    // np.cov([[1, 2, 4], [0, 3, 1]], aweights=[1, 2, 3]) with numpy 2.4.
    const small = [
      [1, 0],
      [2, 3],
      [4, 1],
    ];
    const { totalVariance, eigenvalues, mean } = PointModel.fit(small, { weights: [1, 2, 3] });
    expectClose(mean, [17 / 6, 1.5], 1e-14);
    const [xx, xy, yy] = [2.4090909090909096, -0.4090909090909092, 2.045454545454546];
    expectClose([totalVariance], [xx + yy], 1e-14);
    expectClose([eigenvalues[0]! * eigenvalues[1]!], [xx * yy - xy * xy], 1e-13);
    const weights = shapes.map((_, i) => 1 + (i % 3));
    const repeated = shapes.flatMap((shape, i) => Array.from({ length: weights[i]! }, () => shape));
    for (const count of [30, 60]) {
      const weighted = PointModel.fit(shapes.slice(0, count), { weights: weights.slice(0, count) });
      const twice = PointModel.fit(repeated.slice(0, 2 * count));
      expectClose(weighted.mean, [...twice.mean], 1e-13);
      expectClose(
        weighted.smooth(shapes[7]!, { modes: 2, clip: false }),
        [...twice.smooth(shapes[7]!, { modes: 2, clip: false })],
        1e-11,
      );
    }
    const scaled = PointModel.fit(shapes, { weights: weights.map((weight) => 10 * weight) });
    expectClose(scaled.eigenvalues, [...PointModel.fit(shapes, { weights }).eigenvalues], 1e-12);
    expect(PointModel.fit(shapes, { weights: shapes.map(() => 1) }).toJSON()).toEqual(model.toJSON());
  });

  it("merges weighted models into the weighted model of all shapes", () => {
    const weights = shapes.map((_, i) => 1 + (i % 4));
    const all = PointModel.fit(shapes, { weights });
    const merged = PointModel.merge(
      PointModel.fit(shapes.slice(0, 20), { weights: weights.slice(0, 20) }),
      PointModel.fit(shapes.slice(20), { weights: weights.slice(20) }),
    );
    expectClose(merged.mean, [...all.mean], 1e-13);
    expectClose(merged.eigenvalues, [...all.eigenvalues], 1e-12);
    expect(merged.weightSums).toEqual(all.weightSums);
  });

  it("builds the same model from shapes as they come, at any time", () => {
    const builder = PointModel.builder({ maxModes: 3 });
    shapes.forEach((shape, i) => builder.add(shape, { weight: 1 + (i % 2) }));
    expect(builder.count).toBe(60);
    const weights = shapes.map((_, i) => 1 + (i % 2));
    expect(builder.build().toJSON()).toEqual(PointModel.fit(shapes, { weights, maxModes: 3 }).toJSON());
    builder.add(shapes[0]!);
    expect(builder.build().sampleCount).toBe(61);
    expect(() => PointModel.builder().build()).toThrow("PointModel.builder: shapes must hold at least 2; got 0");
  });

  it("comes back from its binary form exactly, also from within a larger buffer", () => {
    const weighted = PointModel.fit(shapes, { weights: shapes.map((_, i) => 1 + i) });
    const bytes = weighted.toBinary();
    expect(PointModel.fromBinary(bytes).toJSON()).toEqual(weighted.toJSON());
    const larger = new Uint8Array(bytes.length + 5);
    larger.set(bytes, 3);
    expect(PointModel.fromBinary(larger.subarray(3, 3 + bytes.length)).toJSON()).toEqual(weighted.toJSON());
    expect(bytes.length).toBeLessThan(JSON.stringify(weighted).length / 2);
    expect(() => PointModel.fromBinary(bytes.slice(0, -8))).toThrow("The file is cut short");
    expect(() => PointModel.fromBinary(bytes.slice(1))).toThrow("bytes must start with ACRB");
    expect(() => PointModel.fromBinary(bytes.with(4, 9))).toThrow("version must be 1; got 9");
    expect(() => PointModel.fromBinary(bytes.with(14, 0))).toThrow("the header is damaged");
    const notFinite = bytes.slice();
    notFinite.fill(0xff, -8);
    expect(() => PointModel.fromBinary(notFinite)).toThrow("rows of 10 finite numbers");
  });

  it("remembers its scheme and refuses data of another", () => {
    const faces = Array.from({ length: 4 }, (_, i) => Float64Array.from({ length: 136 }, (_, q) => Math.sin(q * i)));
    const known = PointModel.fromJSON(PointModel.fit(faces, { scheme: ibug68 }).toJSON());
    expect(known.scheme).toBe("ibug68");
    known.checkScheme(ibug68);
    expect(() => known.checkScheme(wflw98)).toThrow("fitted on ibug68; got data of wflw98");
    expect(() => model.checkScheme(ibug68)).toThrow("the model has 5 landmarks; got 68 (ibug68)");
    expect(() => PointModel.fit(faces, { scheme: wflw98 })).toThrow("shapes of wflw98 must hold 196 numbers; got 136");
    expect(() => PointModel.merge(known, PointModel.fit(faces))).toThrow("the scheme ibug68; got (unknown)");
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
    expect(model.sample(1, { modes: 0 })).toEqual(model.mean);
    const tame = model.project(model.sample(1, { clip: 0.1 }));
    expect(tame.every((b, i) => Math.abs(b) <= 0.1001 * Math.sqrt(model.eigenvalues[i]!) + 1e-12)).toBe(true);
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
    [() => PointModel.fit(undefined as never), "shapes must be an iterable; got undefined"],
    [() => PointModel.fit(shapes, { weights: [1] }), "weights must hold one number a shape; got 1 and more shapes"],
    [() => PointModel.fit(shapes, { weights: new Array(61).fill(1) }), "got more than 60"],
    [() => PointModel.fit(shapes, { weights: shapes.map((_, i) => i) }), "the weight of shape 0 must be > 0; got 0"],
    [() => PointModel.fit(shapes, { weights: 3 as never }), "weights must be an iterable; got number"],
    [() => PointModel.fit(shapes.map((shape) => shape.map((v) => v * 1e200))), "the variance overflows"],
    [() => PointModel.fromJSON({ ...model.toJSON(), weightSums: [1, -1] }), "weightSums must be two numbers > 0"],
    [() => PointModel.fromJSON({ ...model.toJSON(), scheme: 68 as never }), "scheme must be a landmark scheme's id"],
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
    [() => PointModel.fromJSON(undefined as never), "a model must be an object; got undefined"],
    [() => PointModel.fromJSON(null as never), "a model must be an object; got null"],
    [() => PointModel.fromJSON([] as never), "a model must be an object; got an array"],
    [() => PointModel.fromJSON({} as never), "formatVersion must be 1; got undefined. Is this a PointModel?"],
    [
      () => PointModel.fromJSON({ ...model.toJSON(), formatVersion: 2 as never }),
      "formatVersion must be 1; got 2. Update @acr/shape-model",
    ],
    [
      () => PointModel.fromJSON({ ...model.toJSON(), modes: model.modes.map((mode) => [...mode].map((v) => 2 * v)) }),
      "mode 0 must have length 1",
    ],
    [
      () => PointModel.fromJSON({ ...model.toJSON(), modes: model.modes.map(() => [...model.modes[0]!]) }),
      "modes 0 and 1 must be at right angles",
    ],
    [
      () => PointModel.fromJSON({ ...model.toJSON(), eigenvalues: [...model.eigenvalues].reverse() }),
      "eigenvalues must fall from the largest to the smallest",
    ],
    [
      () => PointModel.fromJSON({ ...model.toJSON(), totalVariance: model.totalVariance / 2 }),
      "totalVariance must be at least",
    ],
    [
      () => PointModel.fromJSON({ ...model.toJSON(), scheme: "ibug68" }),
      "mean must hold 68 landmarks, as ibug68 has; got 5",
    ],
    [() => PointModel.fromJSON({ ...model.toJSON(), align: "gpa" as never }), 'align must be "procrustes" or absent'],
    [() => model.truncate({ modes: 0 }), "modes must be an integer from 1 to 10; got 0"],
    [() => model.truncate(undefined as never), "modes must be an integer from 1 to 10; got undefined"],
    [
      () => PointModel.fit(shapes, { maxModes: 2 }).modeCount({ by: "count", fraction: 0.8 }),
      "fraction must be at most 0.2, for the model holds 2 of 10 modes; got 0.8",
    ],
    [() => model.sample(1, { clip: 0 }), "clip must be > 0 or false; got 0"],
    [() => model.sample(1, { modes: 11 }), "modes must be an integer from 0 to 10; got 11"],
    [() => model.reconstruct(undefined as never), "modes must be an integer from 0 to 10; got NaN"],
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
