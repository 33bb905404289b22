import { basename } from "node:path";
import { type FaceDataset, InvalidArgumentError, type LandmarkScheme } from "@acr/core";
import { PointModel, paperSchedule, type Stage, stageAt } from "@acr/shape-model";
import { syntheticShapeModel } from "@acr/shape-model/presets";
import { createSyntheticFaces } from "@acr/synthetic";
import { openDataset, parseRecipe } from "@acr/trainer";
import { Command, InvalidArgumentError as CommanderArgumentError, Option } from "commander";
import { centeredFaces } from "../internal/centered-faces.js";
import { addDatasetOptions, type DatasetOptions } from "../internal/dataset-options.js";
import { type KnownStage, knownStages } from "../internal/known-stages.js";
import { parseCount } from "../internal/parsers.js";
import { percent } from "../internal/percent.js";
import { printJson } from "../internal/print-json.js";
import { facesOfDataset, facesOfModel, schemeOf } from "../internal/shape-faces.js";
import { readShapeModel, shapeModelContent } from "../internal/shape-model-file.js";
import { shapePage } from "../internal/shape-page.js";
import { checkOutput, writeOutput } from "../internal/write-output.js";

interface FitFlags extends DatasetOptions {
  out: string;
  align: "none" | "procrustes";
  maxModes?: number;
  scheme?: string;
  mirror: boolean;
  schedule: readonly Stage[];
  json?: boolean;
}

interface ShowFlags extends DatasetOptions {
  out: string;
  faces: number;
  modes: number;
  schedule: readonly Stage[];
}

/** `acr shape …`: fit a shape model and look at it. */
export function shapeCommand(): Command {
  const shape = new Command("shape").description("fit shape models and look at them");
  shape.addCommand(
    addDatasetOptions(new Command("fit").description("fit a shape model on the labels of a data set"), "train")
      .requiredOption("--out <file>", "the model to write: JSON, or bytes for a name that ends in .acrb")
      .addOption(
        new Option("--align <how>", "what to remove before fitting: none or procrustes (position, rotation and scale)")
          .choices(["none", "procrustes"])
          .default("none"),
      )
      .option("--max-modes <n>", "keep at most this many modes", parseCount)
      .option("--mirror", "take each face's mirror image as well", false)
      .option("--scheme <id>", "numbering of synthetic faces: ibug68, cofw29 or wflw98")
      .addOption(scheduleOption())
      .option("--json", "print one JSON document")
      .addHelpText("after", "\nExample:\n  acr shape fit --dataset 300w --root ./300w --split train --out model.json")
      .action(fit),
  );
  shape.addCommand(
    addDatasetOptions(
      new Command("show")
        .description("write one HTML page: the modes to play with, explained variance, difficulty at each stage")
        .argument("[model]", "a file that acr shape fit or acr train wrote (default: a model of synthetic faces)"),
      "test",
    )
      .requiredOption("--out <file>", "the page to write")
      .option("--faces <n>", "faces on which difficulty is drawn", parseCount, 3)
      .option("--modes <n>", "modes with a slider", parseCount, 8)
      .addOption(scheduleOption())
      .addHelpText(
        "after",
        "\nExamples:\n  acr shape show model.json --out page.html\n  acr shape show model.json --dataset 300w --root ./300w --split lfpw/testset --out page.html",
      )
      .action(show),
  );
  return shape;
}

const scheduleOption = () =>
  new Option("--schedule <json>", "stages of training, by epoch or by share of all epochs (`from`)")
    .argParser(parseSchedule)
    .default(paperSchedule, "the paper's");

async function fit({ out, align, maxModes, scheme, mirror, schedule, json, ...source }: FitFlags): Promise<void> {
  await checkOutput("--out", out);
  // Before the data set is read; 1 stands for any number of epochs.
  stageAt(schedule, 0, 1);
  const dataset = source.dataset === "synthetic" ? syntheticLabels(source, scheme) : await open(source, scheme);
  const options = { scheme: dataset.scheme, ...(maxModes !== undefined && { maxModes }) };
  const model =
    align === "procrustes" ? await fitAligned(dataset, options, mirror) : await fitStreamed(dataset, options, mirror);
  // Asked for before anything is written: a truncated model may lack what a stage needs.
  const stages = knownStages(model, schedule);
  await writeOutput(out, shapeModelContent(model, out));
  if (json) {
    const { landmarkCount, sampleCount, totalVariance } = model;
    const { dataset: name, split } = source;
    const summary = { dataset: name, split, scheme: model.scheme, align, landmarkCount, sampleCount };
    printJson({ ...summary, modes: model.modes.length, totalVariance, stages, out });
    return;
  }
  const [first] = model.explainedVariance();
  process.stdout.write(
    `${dataset.name}: ${model.sampleCount} shapes of ${model.landmarkCount} landmarks (${model.scheme}), ${model.modes.length} modes; the first explains ${percent(first!.ratio)}\n${stageTable(stages)}`,
  );
  if (stages.some(({ byVariance, byCount }) => byVariance === undefined || byCount === undefined))
    process.stderr.write(
      `–: needs more than the ${model.modes.length} modes kept; training with such a stage is refused\n`,
    );
  process.stderr.write(`wrote ${out}\n`);
}

async function show(
  file: string | undefined,
  { out, faces: count, modes, schedule, ...source }: ShowFlags,
): Promise<void> {
  await checkOutput("--out", out);
  const model = file === undefined ? syntheticShapeModel("ibug68") : await readShapeModel(file);
  knownStages(model, schedule);
  const known = schemeOf(model);
  // Synthetic faces come in every known numbering; for any other one the model draws its own.
  const faces =
    source.dataset === "synthetic" && !known
      ? facesOfModel(model, count)
      : await facesOfDataset(model, await openFor(model, source), count);
  const page = shapePage({
    title: file === undefined ? "Shape model of synthetic faces" : `Shape model ${basename(file)}`,
    model,
    schedule,
    faces,
    sliderCount: modes,
  });
  await writeOutput(out, page);
  process.stderr.write(`wrote ${out}\n`);
}

async function openFor(model: PointModel, source: DatasetOptions): Promise<FaceDataset> {
  const dataset = await open(source, source.dataset === "synthetic" ? model.scheme : undefined);
  model.checkScheme(dataset.scheme);
  return dataset;
}

async function open({ dataset, root, split, skipFaulty }: DatasetOptions, scheme?: string): Promise<FaceDataset> {
  if (scheme !== undefined && dataset !== "synthetic")
    throw new InvalidArgumentError(`acr shape: --scheme is for synthetic faces; ${dataset} has its own numbering.`);
  return openDataset(parseRecipe({ dataset, root, skipFaulty, ...(scheme && { synthetic: { scheme } }) }), split);
}

/** The faces that `openDataset` gives, drawn as small as can be: only their labels are used. */
function syntheticLabels({ split }: DatasetOptions, scheme?: string): FaceDataset {
  const { synthetic, seed } = parseRecipe({ ...(scheme && { synthetic: { scheme } }) });
  if (split !== "train" && split !== "test")
    throw new InvalidArgumentError(`acr shape: --split of synthetic faces must be train or test; got ${split}.`);
  const isTrain = split === "train";
  return createSyntheticFaces({
    count: isTrain ? synthetic.trainCount : synthetic.valCount,
    seed: isTrain ? `train:${seed}` : `held-out:${split}`,
    scheme: synthetic.scheme,
    imageSize: 32,
  });
}

interface ModelOptions {
  scheme: LandmarkScheme;
  maxModes?: number;
}

async function fitStreamed(dataset: FaceDataset, options: ModelOptions, mirror: boolean): Promise<PointModel> {
  const builder = PointModel.builder(options);
  for await (const { shape } of centeredFaces(dataset)) {
    builder.add(shape);
    if (mirror) builder.add(mirrored(shape, dataset.scheme));
  }
  return builder.build();
}

async function fitAligned(dataset: FaceDataset, options: ModelOptions, mirror: boolean): Promise<PointModel> {
  const shapes: Float64Array[] = [];
  for await (const { shape } of centeredFaces(dataset)) {
    shapes.push(shape);
    if (mirror) shapes.push(mirrored(shape, dataset.scheme));
  }
  return PointModel.fit(shapes, { ...options, align: "procrustes" });
}

/** The mirror image in the `centered` frame: x changes its sign, and the landmarks change places. */
const mirrored = (shape: Float64Array, { mirror }: LandmarkScheme) =>
  shape.map((_, q) => (q % 2 === 0 ? -1 : 1) * shape[2 * mirror[q >> 1]! + (q % 2)]!);

/** Parses `[{"fromEpoch":0,"fraction":0.8}, …]`; what the stages must hold is checked by `stageModes`. */
function parseSchedule(text: string): readonly Stage[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Reported below with the text itself.
  }
  if (Array.isArray(value) && value.every((stage) => stage !== null && typeof stage === "object")) return value;
  throw new CommanderArgumentError(`expected JSON such as '[{"fromEpoch":0,"fraction":0.8}]'; got "${text}".`);
}

function stageTable(stages: readonly KnownStage[]): string {
  const rows = [
    ["from", "share", "k by variance", "k by count", "variance of the latter"],
    ...stages.map(({ stage, byVariance, byCount, varianceByCount }) => [
      "fromEpoch" in stage ? `epoch ${stage.fromEpoch}` : percent(stage.from),
      percent(stage.fraction),
      String(byVariance ?? "–"),
      String(byCount ?? "–"),
      varianceByCount === undefined ? "–" : percent(varianceByCount),
    ]),
  ];
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => row[c]!.length)));
  return rows.map((row) => `  ${row.map((cell, c) => cell.padStart(widths[c]!)).join("  ")}\n`).join("");
}
