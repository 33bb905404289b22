import "@tensorflow/tfjs-backend-cpu";
import { expectNoTensorLeak } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { exampleShapes } from "./__fixtures__/example-shapes.js";
import { createDifficultyTable } from "./create-difficulty-table.js";
import { PointModel } from "./point-model.js";

const shapes = exampleShapes(30);
const model = PointModel.fit(shapes);

describe("createDifficultyTable(model, shapes)", () => {
  it.each(["coordinate", "landmark"] as const)("gathers what the plain function gives, by %s", async (unit) => {
    await tf.setBackend("cpu");
    const table = createDifficultyTable(model, shapes, { modes: 2, unit });
    const width = unit === "landmark" ? 1 : 2;
    expect(table.shape).toEqual([30, 5, width]);
    await expectNoTensorLeak(() => {
      const phi = table.gather([7, 0, 7]);
      expect(phi.shape).toEqual([3, 5, width]);
      const expected = [7, 0, 7].flatMap((i) => [...model.difficulty(shapes[i]!, { modes: 2, unit })]);
      expect([...phi.dataSync()]).toEqual(expected.map(Math.fround));
      phi.dispose();
    });
  });

  it("refuses no shapes and indices outside", () => {
    expect(() => createDifficultyTable(model, [])).toThrow("at least one; got none");
    expect(() => createDifficultyTable(model, shapes).gather([30])).toThrow("integers from 0 to 29; got 30");
  });
});
