import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setupBackend } from "@acr/backend";
import { DivergenceError, getLandmarkScheme, StorageError } from "@acr/core";
import { readImage } from "@acr/datasets";
import { PointModel } from "@acr/shape-model";
import { createSyntheticFaces } from "@acr/synthetic";
import { memory } from "@tensorflow/tfjs-core";
import {
  type Checkpoint,
  loadCheckpoint,
  loadModel,
  type RecipeInput,
  readHistory,
  readRecipe,
  runFiles,
  saveCheckpoint,
  type TrainEvent,
  type TrainOptions,
  type TrainResult,
  train,
} from "./index.js";

// Each run takes a second or two of a free processor; a busy machine takes many times that.
jest.setTimeout(240_000);

const root = mkdtempSync(join(tmpdir(), "acr-train-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
beforeAll(() => setupBackend({ prefer: ["wasm"], threads: 1 }));

let count = 0;
const freeFolder = () => join(root, `run-${count++}`);

const RECIPE: RecipeInput = {
  synthetic: { trainCount: 8, valCount: 4 },
  backbone: "mobilenet_v2_035",
  imageSize: 32,
  loss: "acr",
  epochs: 2,
  batchSize: 4,
  logs: { samplesEvery: 0, histogramsEvery: 0, everySteps: 1 },
  backend: "wasm",
  threads: 1,
};

async function run(options: TrainOptions): Promise<{ events: TrainEvent[]; result: TrainResult }> {
  const events: TrainEvent[] = [];
  const generator = train(options);
  for (;;) {
    const { done, value } = await generator.next();
    if (done) return { events, result: value };
    events.push(value);
  }
}

/** Names of the arrays whose bits differ; jest would take minutes to print the difference of a million numbers. */
function differingArrays(got: Checkpoint, expected: Checkpoint): string[] {
  const bytes = (array: Float32Array | undefined) =>
    array && Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  const names = new Set([...Object.keys(got.arrays), ...Object.keys(expected.arrays)]);
  return [...names].filter((name) => !bytes(got.arrays[name])?.equals(bytes(expected.arrays[name]) ?? Buffer.alloc(0)));
}

describe("a finished run", () => {
  const folder = freeFolder();
  let events: TrainEvent[];
  let result: TrainResult;
  const called: string[] = [];
  let tensorsBefore = 0;

  beforeAll(async () => {
    tensorsBefore = memory().numTensors;
    ({ events, result } = await run({
      recipe: { ...RECIPE, logs: { samplesEvery: 1, sampleCount: 3, histogramsEvery: 1, everySteps: 1 } },
      folder,
      callbacks: {
        start: () => void called.push("start"),
        epoch: async ({ epoch }) => {
          await new Promise((resolve) => setTimeout(resolve, 1));
          called.push(`epoch ${epoch}`);
        },
        end: () => void called.push("end"),
      },
    }));
  });

  it("reports every step, stage, epoch, checkpoint and sample in order", () => {
    expect(events.map((event) => event.type)).toEqual([
      "start",
      ...["stage", "step", "step", "epoch", "samples", "checkpoint"],
      ...["stage", "step", "step", "epoch", "samples", "checkpoint"],
      "end",
    ]);
    const start = events[0] as Extract<TrainEvent, { type: "start" }>;
    expect(start).toMatchObject({
      trainCount: 8,
      valCount: 4,
      stepsPerEpoch: 2,
      backend: { name: "wasm", threads: 1 },
    });
    const stages = events.filter((event) => event.type === "stage");
    expect(stages.map(({ fraction }) => fraction)).toEqual([0.8, 0.95]);
    expect(stages[1]!.modes).toBeGreaterThan(stages[0]!.modes);
    expect(stages[0]!.modeCount).toBeGreaterThanOrEqual(stages[1]!.modes);
  });

  it("calls and awaits the callbacks of each kind", () => {
    expect(called).toEqual(["start", "epoch 1", "epoch 2", "end"]);
  });

  it("returns the history that metrics.jsonl holds, with modes, waits and a constant number of tensors", async () => {
    expect(result.finished).toBe(true);
    expect(await readHistory(folder)).toEqual(result.history);
    const [first, second] = result.history;
    expect(first!.tensorCount).toBe(second!.tensorCount);
    expect(second!.seconds).toBeGreaterThan(first!.seconds);
    expect(result.best!.nmePercent).toBe(Math.min(first!.nmePercent, second!.nmePercent));
  });

  it("leaves a folder that says everything, and no tensor", async () => {
    expect(readdirSync(folder).sort()).toEqual([
      ...["checkpoint", "environment.json", "logs", "metrics.jsonl", "model", "recipe.json", "samples"],
      "shape-model.json",
    ]);
    expect(readdirSync(join(folder, "checkpoint")).sort()).toEqual(["last.bin", "previous.bin"]);
    expect(memory().numTensors).toBe(tensorsBefore);
    const model = await loadModel(runFiles(folder).model);
    expect(model.outputs[0]!.shape).toEqual([null, 68, 2]);
    model.dispose();
    const picture = await readImage(join(folder, "samples", "epoch-0002.png"));
    expect([picture.width, picture.height]).toEqual([3 * 192, 192]);
    // Crops of 32 pixels are enlarged six times; labels are drawn in this blue.
    expect(Buffer.from(picture.data).includes(Buffer.from([0x56, 0xb4, 0xe9]))).toBe(true);
  });

  it("is refused as the folder of another run, and resumes to nothing left to do", async () => {
    await expect(run({ recipe: RECIPE, folder })).rejects.toThrow("already holds a run. Continue it with --resume");
    const again = await run({ folder, resume: true });
    expect(again.events.map(({ type }) => type)).toEqual(["start", "end"]);
    expect(again.result.history).toEqual(result.history);
  });

  it("is not resumed twice at once, and both folder and process are free behind that", async () => {
    const events = train({ folder, resume: true });
    await events.next();
    await expect(run({ folder, resume: true })).rejects.toThrow("this process is training into");
    await events.return(undefined as never);
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    await run({ folder, resume: true });
  });

  it("is not resumed with another recipe; the fields are named", async () => {
    await expect(run({ recipe: { epochs: 5, loss: "l2" }, folder, resume: true })).rejects.toThrow(
      /these fields differ from .*recipe\.json: loss, lossOptions, epochs\./,
    );
    await expect(run({ recipe: { epochs: 2 }, folder, resume: true })).resolves.toBeDefined();
  });
});

it("an abort stops after the step in progress with a checkpoint, and resume ends with the same weights", async () => {
  const recipe = { ...RECIPE, loss: "l1", synthetic: { trainCount: 12, valCount: 4 }, epochs: 2 };
  const whole = freeFolder();
  await run({ recipe, folder: whole });

  const folder = freeFolder();
  const abort = new AbortController();
  const first = await run({
    recipe,
    folder,
    signal: abort.signal,
    callbacks: { step: ({ batch }) => batch === 2 && abort.abort() } as TrainOptions["callbacks"],
  });
  expect(first.result.finished).toBe(false);
  expect(first.events.at(-2)).toMatchObject({ type: "interrupted", epoch: 1, batch: 2 });
  const second = await run({ folder, resume: true });
  expect(second.events[0]).toMatchObject({ resumedFrom: { epoch: 1, batch: 2 } });
  const [expected, got] = await Promise.all([whole, folder].map((run) => loadCheckpoint(runFiles(run).checkpoint)));
  expect(differingArrays(got!, expected!)).toEqual([]);
  expect(got!.history.map(({ trainLoss }) => trainLoss)).toEqual(expected!.history.map(({ trainLoss }) => trainLoss));
});

it("a damaged last checkpoint is replaced by the one before, and said", async () => {
  const folder = freeFolder();
  await run({ recipe: { ...RECIPE, loss: "l1" }, folder });
  const { checkpoint } = runFiles(folder);
  const expected = await loadCheckpoint(checkpoint);
  const bytes = readFileSync(checkpoint);
  writeFileSync(checkpoint, bytes.subarray(0, bytes.length - 1));
  const { events } = await run({ folder, resume: true });
  expect(events[0]).toMatchObject({ resumedFrom: { epoch: 2, batch: 0, fault: expect.stringContaining("damaged") } });
  expect(differingArrays(await loadCheckpoint(checkpoint), expected)).toEqual([]);
});

it("a loss that is no number stops the run with the batch kept and what to try", async () => {
  const folder = freeFolder();
  const recipe: RecipeInput = {
    ...RECIPE,
    loss: "l2",
    learningRate: 1e30,
    learningRateSchedule: { name: "constant" },
    epochs: 4,
  };
  const before = memory().numTensors;
  const attempt = run({ recipe, folder });
  await expect(attempt).rejects.toBeInstanceOf(DivergenceError);
  await expect(attempt).rejects.toThrow(/the loss became (NaN|Infinity) at epoch \d, batch \d.*smaller learningRate/);
  const record = JSON.parse(readFileSync(join(folder, "failed-batch", "batch.json"), "utf8"));
  expect(record).toMatchObject({ learningRate: 1e30, ids: expect.any(Array) });
  expect(record.landmarks[0]).toHaveLength(136);
  expect((await readImage(join(folder, "failed-batch", "batch.png"))).width).toBe(4 * 192);
  expect(memory().numTensors).toBe(before);
  // The picture is what the net saw, also where the device finished it.
  const other = freeFolder();
  await expect(run({ recipe, folder: other, pixelsOnDevice: true })).rejects.toBeInstanceOf(DivergenceError);
  const picture = (of: string) => readFileSync(join(of, "failed-batch", "batch.png"));
  expect(picture(other).equals(picture(folder))).toBe(true);
  expect(memory().numTensors).toBe(before);
});

it.each([false, true])(
  "a run that stops amid the gradients it gathers releases them (pixelsOnDevice: %s)",
  async (pixelsOnDevice) => {
    const before = memory().numTensors;
    const recipe: RecipeInput = { ...RECIPE, accumulate: 2 };
    const step = () => {
      throw new Error("enough");
    };
    await expect(run({ recipe, folder: freeFolder(), pixelsOnDevice, callbacks: { step } })).rejects.toThrow("enough");
    expect(memory().numTensors).toBe(before);
  },
);

it("a run goes on the same bit for bit where another engine finishes its pixels", async () => {
  const recipe: RecipeInput = {
    ...RECIPE,
    accumulate: 2,
    synthetic: { trainCount: 16, valCount: 4 },
    augmentation: "strong",
  };
  const [whole, folder] = [freeFolder(), freeFolder()] as [string, string];
  await run({ recipe, folder: whole, pixelsOnDevice: false });
  const abort = new AbortController();
  const callbacks = { step: ({ batch }: { batch: number }) => void (batch === 2 && abort.abort()) };
  await run({ recipe, folder, pixelsOnDevice: true, signal: abort.signal, callbacks });
  expect((await loadCheckpoint(runFiles(folder).checkpoint)).batch).toBe(2);
  await run({ folder, resume: true, pixelsOnDevice: false });
  const [expected, got] = await Promise.all([whole, folder].map((run) => loadCheckpoint(runFiles(run).checkpoint)));
  expect(differingArrays(got!, expected!)).toEqual([]);
});

it("a run whose pixels are finished on the device, a batch ahead, is the same bit for bit", async () => {
  const before = memory().numTensors;
  const folders = [false, true].map((pixelsOnDevice) => ({ pixelsOnDevice, folder: freeFolder() }));
  const recipe: RecipeInput = { ...RECIPE, synthetic: { trainCount: 12, valCount: 4 }, augmentation: "strong" };
  const losses: number[][] = [];
  for (const options of folders) {
    const { events } = await run({ recipe, ...options });
    losses.push(events.flatMap((event) => (event.type === "step" ? [event.loss] : [])));
    expect(memory().numTensors).toBe(before);
  }
  expect(losses[0]).toHaveLength(6);
  expect(losses[1]).toEqual(losses[0]);
  const [there, here] = await Promise.all(folders.map(({ folder }) => loadCheckpoint(runFiles(folder).checkpoint)));
  expect(differingArrays(there!, here!)).toEqual([]);
});

it("so is one on the cpu engine", async () => {
  const recipe: RecipeInput = {
    ...RECIPE,
    synthetic: { trainCount: 4, valCount: 2 },
    backend: "cpu",
    epochs: 1,
    augmentation: "strong",
  };
  const losses: number[][] = [];
  try {
    for (const pixelsOnDevice of [false, true]) {
      const { events } = await run({ recipe, folder: freeFolder(), pixelsOnDevice });
      losses.push(events.flatMap((event) => (event.type === "step" ? [event.loss] : [])));
    }
  } finally {
    await setupBackend({ prefer: ["wasm"], threads: 1 });
  }
  expect(losses[0]).toHaveLength(1);
  expect(losses[1]).toEqual(losses[0]);
});

(process.platform === "linux" ? it : it.skip)("a full disk stops the run; what was written is whole", async () => {
  const folder = freeFolder();
  const attempt = run({
    recipe: { ...RECIPE, epochs: 3 },
    folder,
    callbacks: {
      epoch: ({ epoch }) => {
        // The next write of a checkpoint goes to a device that is always full.
        if (epoch === 2) symlinkSync("/dev/full", `${runFiles(folder).checkpoint}.${process.pid}.tmp`);
      },
    },
  });
  await expect(attempt).rejects.toBeInstanceOf(StorageError);
  await expect(attempt).rejects.toThrow("the disk is full");
  expect((await loadCheckpoint(runFiles(folder).checkpoint)).epoch).toBe(1);
  const { result } = await run({ folder, resume: true });
  expect(result.history.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
});

it("train refuses wrong recipes, folders and data before it writes anything", async () => {
  const folder = freeFolder();
  await expect(run({ recipe: { ...RECIPE, loss: "arc" }, folder })).rejects.toThrow("did you mean acr?");
  await expect(run({ recipe: { ...RECIPE, lossOptions: { lambada: 1 } }, folder })).rejects.toThrow("lambada");
  await expect(run({ recipe: { ...RECIPE, batchSize: 9 }, folder })).rejects.toThrow("larger than the training set");
  await expect(run({ recipe: { ...RECIPE, dataset: "300w", root: join(root, "none") }, folder })).rejects.toThrow();
  await expect(run({ folder, resume: true })).rejects.toThrow("it holds no run");
  expect(existsSync(folder)).toBe(false);
  mkdirSync(folder);
  writeFileSync(join(folder, "precious.txt"), "");
  await expect(run({ recipe: RECIPE, folder })).rejects.toThrow("is not empty");
  await expect(run({ recipe: RECIPE, folder: join(folder, "precious.txt") })).rejects.toThrow("is a file");
  expect(readdirSync(folder)).toEqual(["precious.txt"]);
});

it("a recipe that turns out wrong once the model is made leaves no run behind", async () => {
  const folder = freeFolder();
  const before = memory().numTensors;
  await expect(run({ recipe: { ...RECIPE, freeze: ["nonsense"] }, folder })).rejects.toThrow("names no layer");
  expect(existsSync(folder)).toBe(false);
  mkdirSync(folder);
  await expect(run({ recipe: { ...RECIPE, freeze: ["nonsense"] }, folder })).rejects.toThrow("names no layer");
  await run({ recipe: { ...RECIPE, loss: "l2", epochs: 1 }, folder });
  expect(memory().numTensors).toBe(before);
});

it("a consumer that breaks off leaves no tensor", async () => {
  const before = memory().numTensors;
  for await (const event of train({ recipe: RECIPE, folder: freeFolder() })) if (event.type === "step") break;
  expect(memory().numTensors).toBe(before);
});

it("init starts from another run's weights; other landmarks need initHead new", async () => {
  const first = freeFolder();
  await run({ recipe: { ...RECIPE, loss: "l2", epochs: 1 }, folder: first });
  const recipe: RecipeInput = { ...RECIPE, loss: "l2", epochs: 1, init: first };
  const second = freeFolder();
  await run({ recipe: { ...recipe, learningRate: 1e-30 }, folder: second });
  const [from, to] = await Promise.all([first, second].map((run) => loadModel(runFiles(run).model)));
  const weights = (index: number) => [from, to].map((model) => model!.getWeights()[index]!.dataSync());
  expect(weights(0)[1]).toEqual(weights(0)[0]);
  from!.dispose();
  to!.dispose();

  const cofw: RecipeInput = { ...recipe, synthetic: { trainCount: 8, valCount: 4, scheme: "cofw29" } };
  await expect(run({ recipe: cofw, folder: freeFolder() })).rejects.toThrow('Say initHead: "new"');
  const third = freeFolder();
  await run({ recipe: { ...cofw, initHead: "new" }, folder: third });
  const model = await loadModel(runFiles(third).model);
  expect(model.outputs[0]!.shape![1]).toBe(getLandmarkScheme("cofw29").landmarkCount);
  model.dispose();
  await expect(run({ recipe: { ...recipe, backbone: "mobilenet_v2_050" }, folder: freeFolder() })).rejects.toThrow(
    `the model in "${first}" is a mobilenet_v2_035; the recipe says mobilenet_v2_050`,
  );
  // Without a recipe beside it the weights themselves tell.
  rmSync(runFiles(first).recipe);
  await expect(run({ recipe: { ...recipe, backbone: "mobilenet_v2_050" }, folder: freeFolder() })).rejects.toThrow(
    /does not fit mobilenet_v2_050/,
  );
});

it("train lists everything that cannot work at once, before it loads data or writes anything", async () => {
  const model = freeFolder();
  await run({ recipe: { ...RECIPE, loss: "l2", epochs: 1 }, folder: model });
  // A shape model of 68 landmarks.
  const faces = createSyntheticFaces({ count: 30, seed: 1, scheme: getLandmarkScheme("ibug68"), imageSize: 32 });
  const shapes = await Promise.all(Array.from({ length: 30 }, async (_, i) => (await faces.get(i)).landmarks));
  const shapeModel = join(root, "shape-68.json");
  writeFileSync(shapeModel, JSON.stringify(PointModel.fit(shapes).toJSON()));
  const folder = freeFolder();
  const recipe: RecipeInput = {
    ...{ dataset: "cofw", root: join(root, "no-data"), init: model, backbone: "mobilenet_v2_050", loss: "acr" },
    difficulty: { shapeModel },
    mix: [{ dataset: "synthetic" }],
    optimizer: { name: "sgd", beta1: 0.9 },
  };
  const message = await run({ recipe, folder }).then(
    () => "",
    (error: Error) => error.message,
  );
  for (const part of [
    "mix.0: its faces have the landmarks of ibug68, those of cofw are cofw29",
    "optimizer.beta1: sgd has no such value",
    `root: the folder "${join(root, "no-data")}" does not exist`,
    `difficulty.shapeModel: "${shapeModel}" has 68 landmarks; the data set cofw has 29`,
    `init: the model in "${model}" predicts 68 landmarks; the data set cofw has 29`,
    `init: the model in "${model}" is a mobilenet_v2_035; the recipe says mobilenet_v2_050`,
  ])
    expect(message).toContain(part);
  expect(existsSync(folder)).toBe(false);
  await expect(run({ recipe: { ...RECIPE, init: model, head: "integral" }, folder })).rejects.toThrow(
    `init: the model in "${model}" has the head gap; the recipe says integral. Say initHead: "new"`,
  );
  const file = join(root, "none.h5");
  await expect(
    run({ recipe: { ...RECIPE, weights: { file }, batchSize: 1, lossOptions: { x: 1 } }, folder }),
  ).rejects.toThrow(/lossOptions: .*weights\.file: ".*none\.h5" does not exist/);
  const lost = { ...RECIPE, init: join(root, "no-run"), difficulty: { shapeModel: join(root, "none.json") } };
  await expect(run({ recipe: lost, folder })).rejects.toThrow(
    /shapeModel: .*none\.json.*init: ".*no-run" holds no model/,
  );
});

it("a run goes on without the files it began with: the model of init, the file of the shape model", async () => {
  const first = freeFolder();
  await run({ recipe: { ...RECIPE, loss: "l2", epochs: 1 }, folder: first });
  const shapeModel = join(root, "gone.json");
  const faces = createSyntheticFaces({ count: 30, seed: 1, scheme: getLandmarkScheme("ibug68"), imageSize: 32 });
  const shapes = await Promise.all(Array.from({ length: 30 }, async (_, i) => (await faces.get(i)).landmarks));
  writeFileSync(shapeModel, JSON.stringify(PointModel.fit(shapes).toJSON()));
  const folder = freeFolder();
  await run({ recipe: { ...RECIPE, init: first, difficulty: { shapeModel } }, folder });
  const { checkpoint } = runFiles(folder);
  const whole = await loadCheckpoint(checkpoint);
  rmSync(checkpoint);
  rmSync(first, { recursive: true });
  rmSync(shapeModel);
  const { events } = await run({ folder, resume: true });
  expect(events[0]).toMatchObject({ resumedFrom: { epoch: 2, batch: 0 } });
  expect(differingArrays(await loadCheckpoint(checkpoint), whole)).toEqual([]);
});

it("a run whose recipe or data was changed in between is not resumed", async () => {
  const folder = freeFolder();
  await run({ recipe: { ...RECIPE, loss: "l2", epochs: 1 }, folder });
  const { recipe: file, checkpoint } = runFiles(folder);
  const recipe = await readRecipe(folder);
  const before = readFileSync(checkpoint);
  writeFileSync(file, JSON.stringify({ ...recipe, epochs: 2, learningRate: 0.5 }));
  await expect(run({ folder, resume: true })).rejects.toThrow(
    /recipe\.json was changed since the run began, in epochs, learningRate\. .*--init/,
  );
  // Where things lie is no part of what is trained.
  writeFileSync(file, JSON.stringify({ ...recipe, root: "elsewhere" }));
  await expect(run({ folder, resume: true })).resolves.toBeDefined();
  writeFileSync(file, JSON.stringify(recipe));
  const { arrays, ...state } = await loadCheckpoint(checkpoint);
  await saveCheckpoint(checkpoint, { ...state, arrays, faceCounts: { train: 9, val: 4 } });
  await expect(run({ folder, resume: true })).rejects.toThrow(
    "the data set was changed since the run began: 8 training and 4 validation faces; expected 9 and 4",
  );
  writeFileSync(checkpoint, before);
  await expect(run({ folder, resume: true })).resolves.toBeDefined();
});

it("an early stop ends the run, and resuming it starts nothing", async () => {
  const folder = freeFolder();
  const recipe: RecipeInput = { ...RECIPE, loss: "l2", epochs: 9, earlyStop: { patience: 1, minImprovement: 50 } };
  const { events, result } = await run({ recipe, folder });
  expect(result).toMatchObject({ finished: true });
  expect(result.history).toHaveLength(2);
  expect(events.at(-2)).toMatchObject({ type: "early-stop", epoch: 2 });
  expect((await run({ folder, resume: true })).result.history).toHaveLength(2);
});

it("mixed-in faces, even poses and other optimizers train", async () => {
  const folder = freeFolder();
  const { events, result } = await run({
    recipe: {
      ...RECIPE,
      loss: "smoothL1",
      epochs: 1,
      mix: [{ dataset: "synthetic", synthetic: { trainCount: 6 }, weight: 0.5 }],
      balance: { by: "pose", strength: 1 },
      optimizer: { name: "sgd", nesterov: true, clipNorm: 1 },
      ema: {},
    },
    folder,
  });
  const start = events[0] as Extract<TrainEvent, { type: "start" }>;
  expect(start.trainCount).toBeGreaterThanOrEqual(11);
  expect(result.finished).toBe(true);
  expect((await readRecipe(folder)).optimizer).toEqual({
    name: "sgd",
    momentum: 0.9,
    nesterov: true,
    weightDecay: 0,
    clipNorm: 1,
  });
});
