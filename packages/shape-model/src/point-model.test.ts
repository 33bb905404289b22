import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { readFileSync } from "node:fs";
import { createRandom } from "@acr/core";
import { expectNoTensorLeak, goldenFolder, tolerance } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { difficultyTensor, PointModel, paperSchedule, stageAt } from "./index.js";

const folder = goldenFolder("shape-model");
const read = (file: string) => JSON.parse(readFileSync(`${folder}/${file}`, "utf8"));
const GOLDEN = 1e-8;

function expectClose(actual: ArrayLike<number>, expected: readonly number[], relative = GOLDEN): void {
  expect(actual.length).toBe(expected.length);
  const largest = Math.max(...expected.map(Math.abs));
  for (let i = 0; i < expected.length; i++) {
    if (!(Math.abs(actual[i]! - expected[i]!) <= relative * largest))
      throw new Error(`[${i}]: got ${actual[i]}, expected ${expected[i]}`);
  }
}

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

const random = createRandom(3);
const base = Array.from({ length: 10 }, () => random.uniform(-1, 1));
const shapes = Array.from({ length: 60 }, () => {
  const [a, b] = [random.normal(), random.normal(0, 0.3)];
  return base.map((value, q) => value + a * Math.sin(q) + b * Math.cos(3 * q) + random.normal(0, 0.01));
});
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
      "shape 1 must have 2 numbers as the first; got 4",
    ],
    [
      () =>
        PointModel.fit([
          [1, Number.NaN],
          [1, 2],
        ]),
      "shape 0 must hold finite numbers",
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
    [() => PointModel.fromJSON({ ...model.toJSON(), modes: [] }), "modes must be 10 rows of 10 finite numbers"],
  ])("throws a clear error (%#)", (run, message) => {
    expect(run).toThrow(message);
  });
});

describe.each(["cpu", "wasm"])("difficultyTensor on %s", (backend) => {
  it.each(["coordinate", "landmark"] as const)("equals the plain function, by %s, and leaks nothing", async (unit) => {
    await tf.setBackend(backend);
    await expectNoTensorLeak(() =>
      tf.tidy(() => {
        for (const modes of [0, 1, 2, 5]) {
          const phi = difficultyTensor(model, tf.tensor3d(shapes.flat(), [60, 5, 2]), { modes, unit });
          expect(phi.shape).toEqual([60, 5, unit === "coordinate" ? 2 : 1]);
          const expected = shapes.flatMap((shape) => [...model.difficulty(shape, { modes, unit })]);
          // Where few modes leave a small residue, its float32 error is divided by that residue.
          expectClose(phi.dataSync(), expected, modes < 5 ? 20 * tolerance.float32 : 0.02);
        }
      }),
    );
  });

  it("is 0 for a face that equals its smooth face", async () => {
    await tf.setBackend(backend);
    const phi = difficultyTensor(model, tf.tensor3d([...model.mean], [1, 5, 2]), { modes: 3 });
    expect([...phi.dataSync()].every((value) => value === 0)).toBe(true);
  });
});

describe("stageAt(schedule, epoch, totalEpochs)", () => {
  it("follows the paper's stages at their borders", () => {
    expect([0, 15, 16, 30, 31, 70, 71, 100, 101, 150].map((epoch) => stageAt(paperSchedule, epoch).fraction)).toEqual([
      0.8, 0.8, 0.85, 0.85, 0.9, 0.9, 0.95, 0.95, 0.97, 0.97,
    ]);
  });

  it("understands fractions of the training and refuses schedules that make no sense", () => {
    const schedule = [
      { from: 0, fraction: 0.8 },
      { from: 0.2, fraction: 0.9 },
    ];
    expect(stageAt(schedule, 2, 15).fraction).toBe(0.8);
    expect(stageAt(schedule, 3, 15).fraction).toBe(0.9);
    expect(() => stageAt(schedule, 3)).toThrow("totalEpochs must be > 0");
    expect(() => stageAt([], 0)).toThrow("at least one stage");
    expect(() => stageAt([...paperSchedule].reverse(), 0)).toThrow("the first stage must start at 0");
    expect(() => stageAt([{ fromEpoch: 0, fraction: 2 }], 0)).toThrow("fraction must be in (0, 1]; got 2");
  });
});
