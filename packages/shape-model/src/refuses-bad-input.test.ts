import "@tensorflow/tfjs-backend-cpu";
import { AcrError } from "@acr/core";
import * as tf from "@tensorflow/tfjs-core";
import { exampleShapes } from "./__fixtures__/example-shapes.js";
import * as library from "./index.js";

const { PointModel, ActiveShapeModel } = library;
const shapes = exampleShapes(60);
const model = PointModel.fit(shapes);
const face = shapes[0]!;
const none = undefined as never;
const text = "3" as never;
const similarity = { scale: 1, rotationRadians: 0, translation: [0, 0] as const };
const targets = () => tf.tensor3d([...face], [1, 5, 2]);

// What TypeScript would refuse, for those who call from JavaScript.
describe.each<[string, () => unknown, string]>([
  ["difficulty of null options", () => model.difficulty(face, null as never), "options must be an object; got null"],
  ["smooth of null options", () => model.smooth(face, null as never), "options must be an object; got null"],
  ["difficulty of a misspelt option", () => model.difficulty(face, { mode: 1 } as never), 'unknown option "mode"'],
  ["project with a text as clip", () => model.project(face, { clip: text }), 'clip must be > 0 or false; got "3"'],
  ["modeCount of a text", () => model.modeCount({ by: "count", fraction: "0.5" as never }), 'in (0, 1]; got "0.5"'],
  ["checkScheme of an id", () => model.checkScheme("ibug68" as never), "scheme must be a landmark scheme; got string"],
  ["merge of one model", () => PointModel.merge(model, none), "second must be a PointModel; got undefined"],
  ["merge with JSON", () => PointModel.merge(model, model.toJSON() as never), "Use PointModel.fromJSON"],
  ["a model with an empty scheme", () => PointModel.fromJSON({ ...model.toJSON(), scheme: "" }), "scheme must be"],
  ["difficultyTensor without options", () => library.difficultyTensor(model, targets(), none), "modes must be an"],
  ["smoothTensor without options", () => library.smoothTensor(model, targets(), none), "modes must be an integer"],
  [
    "difficultyTensor of an array",
    () => library.difficultyTensor(model, [1] as never, { modes: 1 }),
    "must be a tensor",
  ],
  ["smoothTensor of no model", () => library.smoothTensor(none, targets(), { modes: 1 }), "must be a PointModel"],
  ["createDifficultyTensor of nothing", () => library.createDifficultyTensor(none), "model must be a PointModel"],
  ["compute without options", () => library.createDifficultyTensor(model).compute(targets(), none), "modes must be"],
  ["a table of no model", () => library.createDifficultyTable(none, shapes), "model must be a PointModel"],
  ["gather of nothing", () => library.createDifficultyTable(model, shapes).gather(none), "indices must be an array"],
  ["a schedule of nothing", () => library.stageAt([null as never], 0), "a stage must be an object; got null"],
  ["a schedule that is a text", () => library.stageAt("ab" as never, 0), "schedule must hold at least one stage"],
  ["a stage of texts", () => library.stageAt([{ fromEpoch: 0, fraction: ".5" as never }], 0), "must be a number"],
  [
    "a stage that never begins",
    () =>
      library.stageAt(
        [
          { fromEpoch: 0, fraction: 0.5 },
          { fromEpoch: Number.POSITIVE_INFINITY, fraction: 0.6 },
        ],
        0,
      ),
    "fromEpoch must be >= 0; got Infinity",
  ],
  ["stageModes of no model", () => library.stageModes(none), "model must be a PointModel"],
  ["alignShapes of null", () => library.alignShapes([null as never, face]), "shapes must hold 2K numbers; got none"],
  ["scoreLabels of null", () => library.scoreLabels(new Array(12).fill(null)), "shapes must hold 2K numbers; got none"],
  ["applySimilarity of nothing", () => library.applySimilarity(none, face), "similarity must be finite"],
  ["applySimilarity to nothing", () => library.applySimilarity(similarity, none), "shape must hold 2K numbers"],
  [
    "half a translation",
    () => library.applySimilarity({ ...similarity, translation: [1] as never }, face),
    "similarity must be finite",
  ],
  ["the inverse of scale 0", () => library.invertSimilarity({ ...similarity, scale: 0 }), "with scale > 0"],
  ["the inverse of NaN", () => library.invertSimilarity({ ...similarity, rotationRadians: Number.NaN }), "finite"],
  ["plausibleShape of no model", () => library.plausibleShape(none, face), "model must be a PointModel"],
  ["fillMissing of no model", () => library.fillMissing(none, face, [1, 1, 1, 1, 1]), "model must be a PointModel"],
])("%s", (_, call, message) => {
  it("is refused with one clear line", async () => {
    await tf.setBackend("cpu");
    let error: unknown;
    tf.tidy(() => {
      try {
        call();
      } catch (thrown) {
        error = thrown;
      }
    });
    expect(error).toBeInstanceOf(AcrError);
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain("\n");
  });
});

it("ActiveShapeModel.fit refuses what is no list of samples", async () => {
  await expect(ActiveShapeModel.fit(none)).rejects.toThrow("samples must be an iterable; got undefined");
  await expect(ActiveShapeModel.fit([null as never])).rejects.toThrow("sample 0 must hold image, landmarks and box");
});

it("difficultyTensor stays finite where a mode's variance is too small for float32", async () => {
  await tf.setBackend("cpu");
  const json = model.toJSON();
  json.eigenvalues.fill(1e-90, 4);
  const flat = PointModel.fromJSON(json);
  const difficulty = library.difficultyTensor(flat, tf.tensor2d([...face], [1, 10]), { modes: 5 });
  const expected = flat.difficulty(face, { modes: 5 });
  difficulty.dataSync().forEach((value, q) => expect(value).toBeCloseTo(expected[q]!, 4));
  difficulty.dispose();
});
