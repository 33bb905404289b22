import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { expectNoTensorLeak, tolerance } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { exampleShapes } from "./__fixtures__/example-shapes.js";
import { expectClose } from "./__fixtures__/expect-close.js";
import { createDifficultyTensor } from "./create-difficulty-tensor.js";
import { difficultyTensor } from "./difficulty-tensor.js";
import { PointModel } from "./point-model.js";
import { smoothTensor } from "./smooth-tensor.js";

const shapes = exampleShapes(60);
const model = PointModel.fit(shapes);
const batch = () =>
  tf.tensor3d(
    shapes.flatMap((shape) => [...shape]),
    [60, 5, 2],
  );

describe.each(["cpu", "wasm"])("difficultyTensor on %s", (backend) => {
  it.each(["coordinate", "landmark"] as const)("equals the plain function, by %s, and leaks nothing", async (unit) => {
    await tf.setBackend(backend);
    await expectNoTensorLeak(() =>
      tf.tidy(() => {
        for (const modes of [0, 1, 2, 5]) {
          const phi = difficultyTensor(model, batch(), { modes, unit });
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

  it("keeps the modes of createDifficultyTensor on the backend until dispose, through tidy and changes of stage", async () => {
    await tf.setBackend(backend);
    await expectNoTensorLeak(() => {
      const owner = createDifficultyTensor(model, { unit: "landmark" });
      for (const modes of [2, 2, 4, 0]) {
        tf.tidy(() => {
          const targets = batch();
          const expected = difficultyTensor(model, targets, { modes, unit: "landmark" });
          expect([...owner.compute(targets, { modes }).dataSync()]).toEqual([...expected.dataSync()]);
        });
      }
      owner.dispose();
      owner.dispose();
      tf.tidy(() => expect(() => owner.compute(batch(), { modes: 2 })).toThrow("compute was called after dispose"));
    });
  });

  it("gives the smooth faces of the plain function, in the shape of the input", async () => {
    await tf.setBackend(backend);
    await expectNoTensorLeak(() =>
      tf.tidy(() => {
        for (const clip of [3, 0.5, false] as const) {
          const expected = shapes.flatMap((shape) => [...model.smooth(shape, { modes: 3, clip })]);
          expectClose(smoothTensor(model, batch(), { modes: 3, clip }).dataSync(), expected, tolerance.float32);
        }
        expect(smoothTensor(model, tf.reshape(batch(), [60, 10]), { modes: 0 }).shape).toEqual([60, 10]);
      }),
    );
  });
});

describe("tensor functions", () => {
  it.each([
    [
      () => difficultyTensor(model, tf.zeros([2, 4, 2]), { modes: 2 }),
      "difficultyTensor: targets must be [B, 5, 2] or [B, 10]; got [2, 4, 2]",
    ],
    [() => difficultyTensor(model, tf.zeros([2, 2, 5]), { modes: 2 }), "got [2, 2, 5]"],
    [() => difficultyTensor(model, batch(), { modes: 11 }), "modes must be an integer from 0 to 10; got 11"],
    [() => difficultyTensor(model, batch(), {} as never), "modes must be an integer from 0 to 10; got undefined"],
    [() => difficultyTensor(model, batch(), { modes: 2, clip: -1 }), "clip must be > 0 or false; got -1"],
    [
      () => difficultyTensor(model, batch(), { modes: 2, unit: "point" as never }),
      'unit must be "coordinate" or "landmark"',
    ],
    [() => smoothTensor(model, batch(), { modes: 2, units: 1 } as never), 'unknown option "units"'],
    [() => createDifficultyTensor(model, { modes: 2 } as never), 'unknown option "modes"'],
  ])("throw a clear error (%#)", async (run, message) => {
    await tf.setBackend("cpu");
    tf.tidy(() => expect(run).toThrow(message));
  });

  it("give NaN for NaN, in that face only", async () => {
    await tf.setBackend("cpu");
    tf.tidy(() => {
      const broken = shapes.slice(0, 2).flat();
      broken[3] = Number.NaN;
      const phi = difficultyTensor(model, tf.tensor3d(broken, [2, 5, 2]), { modes: 2 }).dataSync();
      expect(phi.slice(0, 10).some(Number.isNaN)).toBe(true);
      expect(phi.slice(10).every(Number.isFinite)).toBe(true);
    });
  });
});
