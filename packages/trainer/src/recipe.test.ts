import { parseRecipe } from "./recipe.js";
import { recipeJsonSchema } from "./recipe-json-schema.js";

const problemsOf = (input: unknown): string => {
  try {
    parseRecipe(input);
  } catch (error) {
    return (error as Error).message;
  }
  return "";
};

it("parseRecipe({}) fills in every default and is its own fixed point", () => {
  const recipe = parseRecipe({});
  expect(recipe).toMatchObject({ formatVersion: 1, dataset: "synthetic", head: "gap", accumulate: 1, mix: [] });
  expect(recipe.optimizer).toEqual({ name: "adam", beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weightDecay: 0 });
  expect(parseRecipe(JSON.parse(JSON.stringify(recipe)))).toEqual(recipe);
});

it("parseRecipe lists all faulty fields at once, with the nearest names", () => {
  const message = problemsOf({
    epoch: 3,
    optimizer: { clipNrom: 1 },
    learningRateSchedule: { name: "step", milestone: [3] },
    mix: [{ dataset: "300w", splt: "x" }],
    imageSize: 1,
    seed: 0.5,
  });
  for (const part of [
    "epoch: unknown field; did you mean epochs?",
    "optimizer.clipNrom: unknown field; did you mean clipNorm?",
    "learningRateSchedule.milestone: unknown field; did you mean milestones?",
    "mix.0.splt: unknown field; did you mean split?",
    "imageSize: ",
    "seed: ",
  ])
    expect(message).toContain(part);
});

it("parseRecipe also lists what is wrong elsewhere where a field is unknown or of the wrong kind, and nothing that follows from it", () => {
  const message = problemsOf({ epocs: 3, seed: 0.5, loss: "arc", backbone: "mobilenet_v2_55", dataset: "300w" });
  for (const part of ["epocs: unknown", "seed: ", "loss: unknown name", "backbone: unknown name", "root: the data set"])
    expect(message).toContain(part);
  expect(problemsOf({ seed: 1, lossOptions: { lamda: 2 }, epocs: 1 })).toMatch(/epocs.*lamda/);
  // Of these, each would be right beside the value that is meant.
  for (const faulty of [
    { loss: 3, lossOptions: { width: 1 } },
    { dataset: "300v", root: "x", mix: [{ dataset: "cofw", root: "x" }] },
    { init: 3, initHead: "new" },
  ])
    expect(problemsOf(faulty)).not.toContain("; ");
});

it.each([
  [{ loss: "arc" }, 'loss: unknown name "arc"; did you mean acr?'],
  [{ backbone: "mobilenet_v2_55" }, "backbone: unknown name"],
  [{ head: "integrl" }, 'head: unknown name "integrl"; did you mean integral?'],
  [{ dataset: "300w" }, 'root: the data set "300w" needs the folder that holds it'],
  [{ mix: [{ dataset: "cofw", root: "x" }] }, "mix.0: its faces have the landmarks of cofw29"],
  [{ synthetic: { scheme: "ibug69" } }, "synthetic.scheme: getLandmarkScheme: unknown scheme"],
  [{ optimizer: { name: "sgd", beta1: 0.9 } }, "optimizer.beta1: sgd has no such value"],
  [{ difficulty: { schedule: [{ from: 0.5, fraction: 0.9 }] } }, "the first stage must start at 0"],
  [
    {
      difficulty: {
        schedule: [
          { from: 0, fraction: 0.9 },
          { fromEpoch: 3, fraction: 0.95 },
        ],
      },
    },
    "all stages by `from` or all by `fromEpoch`",
  ],
  [{ loss: "l2", difficulty: { shapeModel: "m.json" } }, "difficulty.shapeModel: the loss l2 uses no shape model"],
  [{ learningRateSchedule: { name: "step", milestones: [9, 3] } }, "milestones: must be in rising order"],
  [{ balance: { by: "class" } }, "balance.tag: must name the attribute"],
  [{ balance: { by: "pose", tag: "expression" } }, 'balance.tag: has no meaning with by "pose"'],
  [{ initHead: "new" }, "initHead: has no meaning without init"],
])("parseRecipe(%j) is refused before anything is loaded", (input, message) => {
  expect(problemsOf(input)).toContain(message);
});

it("parseRecipe reports combinations that cannot work together in one message", () => {
  const message = problemsOf({ dataset: "wflw", loss: "lee2", mix: [{ dataset: "300w", root: "x" }] });
  expect(message.split("; ").length).toBeGreaterThanOrEqual(3);
  expect(message).toMatch(/root: .*mix\.0: .*loss: /);
});

it("parseRecipe takes a learning-rate schedule without a name for cosine, and says so where its fields are of another", () => {
  expect(parseRecipe({ learningRateSchedule: { warmupSteps: 7 } as never }).learningRateSchedule).toEqual({
    ...{ name: "cosine", warmupSteps: 7, finalFraction: 0.01 },
  });
  expect(problemsOf({ learningRateSchedule: { milestones: [3] } })).toContain(
    'learningRateSchedule.milestones: unknown field of "cosine"; "step" has it: set learningRateSchedule.name',
  );
});

it("recipeJsonSchema() describes every field of every group, those of lists too", () => {
  type Field = {
    description?: string;
    properties?: Record<string, Field>;
    items?: Field;
    oneOf?: Field[];
    anyOf?: Field[];
  };
  const without: string[] = [];
  const visit = (field: Field, path: string) => {
    for (const [name, inner] of Object.entries(field.properties ?? {})) {
      if (!inner.description) without.push(`${path}${name}`);
      visit(inner, `${path}${name}.`);
    }
    for (const choice of [...(field.oneOf ?? []), ...(field.anyOf ?? []), ...(field.items ? [field.items] : [])])
      visit(choice, path);
  };
  visit(recipeJsonSchema() as Field, "");
  expect(without).toEqual([]);
});

it("recipeJsonSchema() describes every field of a recipe", () => {
  const { properties } = recipeJsonSchema() as { properties: Record<string, { description?: string }> };
  expect(Object.keys(properties).sort()).toEqual(
    [
      ...Object.keys(parseRecipe({})),
      ...["root", "ema", "earlyStop", "checkpointSteps", "threads", "init", "weights"],
    ].sort(),
  );
  for (const [name, { description }] of Object.entries(properties))
    expect([name, description]).toEqual([name, expect.any(String)]);
});
