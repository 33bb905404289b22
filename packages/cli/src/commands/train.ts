import { existsSync } from "node:fs";
import { InvalidArgumentError } from "@acr/core";
import {
  overrideRecipe,
  type RecipeInput,
  setRecipeField,
  type TrainEvent,
  type TrainResult,
  train,
} from "@acr/trainer";
import { Command, Option } from "commander";
import { addWideOption, checkWide } from "../internal/add-wide-option.js";
import { gpuOption } from "../internal/gpu-option.js";
import { parseCount, parseInteger, parseJsonObject, parsePositive } from "../internal/parsers.js";
import { printJson } from "../internal/print-json.js";
import { readJsonFile } from "../internal/read-json-file.js";
import { stopOnSignals } from "../internal/stop-on-signals.js";
import { TrainProgress } from "../internal/train-progress.js";

interface TrainFlags {
  dataset?: string;
  root?: string;
  trainSplit?: string;
  valSplit?: string;
  backbone?: string;
  imageSize?: number;
  loss?: string;
  lossOptions?: Record<string, unknown>;
  epochs?: number;
  batchSize?: number;
  learningRate?: number;
  seed?: number;
  backend?: string;
  threads?: number;
  gpu?: number;
  wide?: boolean;
  init?: string;
  skipFaulty?: boolean;
  out?: string;
  resume?: boolean;
  set: string[];
  json?: boolean;
  quiet?: boolean;
  events?: boolean;
  head?: string;
}

/** Sets the field that `--set a.b.c=value` names; values are JSON where they parse, else text. */
export function setPath(target: Record<string, unknown>, assignment: string): void {
  const equals = assignment.indexOf("=");
  if (equals < 1) throw new InvalidArgumentError(`acr train: --set expects path=value; got "${assignment}".`);
  const text = assignment.slice(equals + 1);
  let value: unknown = text;
  try {
    value = JSON.parse(text);
  } catch {
    // Not JSON: a plain word such as a backbone's name.
  }
  setRecipeField(target, assignment.slice(0, equals), value);
}

/** `--gpu` says where to train; an engine that runs on the processor would ignore it without a word. */
function checkGpu(gpu: number | undefined, backend: unknown): void {
  if (gpu !== undefined && (backend === "wasm" || backend === "cpu"))
    throw new InvalidArgumentError(
      `acr train: --gpu ${gpu} cannot be used with the backend "${backend}", which runs on the processor. Leave one of them out.`,
    );
}

/** `runs/300w-acr`, or the first free `runs/300w-acr-2`, …: an existing run is never written to. */
export function freeRunFolder(dataset: string, loss: string): string {
  const base = `runs/${dataset}-${loss}`;
  for (let i = 1; ; i++) {
    const folder = i === 1 ? base : `${base}-${i}`;
    if (!existsSync(folder)) return folder;
  }
}

/** `acr train`: trains a model; without arguments on synthetic faces. */
export function trainCommand(onInterrupted: () => void): Command {
  return addWideOption(new Command("train"))
    .description("train a landmark model; without arguments on synthetic faces")
    .argument("[recipe]", "a recipe file (JSON); flags override it")
    .option("--dataset <name>", "synthetic (default), 300w, cofw, wflw or points")
    .option("--root <folder>", "the folder that holds the data set")
    .option("--train-split <name>", "split to train on (default: train)")
    .option("--val-split <name>", "split to validate on (default: test)")
    .option("--backbone <name>", "e.g. mobilenet_v2_050")
    .option("--image-size <pixels>", "side of the square input", parseCount)
    .option("--head <name>", "e.g. gap")
    .option("--loss <name>", "e.g. acr, l2, l1, wing; another loss drops the recipe's lossOptions")
    .option("--loss-options <json>", 'e.g. \'{"lambda":5,"scale":10}\'', parseJsonObject)
    .option("--epochs <n>", "passes over the training faces", parseCount)
    .option("--batch-size <n>", "faces a step", parseCount)
    .option("--learning-rate <x>", "peak learning rate", parsePositive)
    .option("--seed <n>", "of everything random", parseInteger)
    .option("--backend <name>", "tfjs backend (default: the best one here)")
    .option("--threads <n>", "threads of the backend", parseCount)
    .addOption(gpuOption())
    .option("--init <run>", "start from the weights of another run")
    .option("--skip-faulty", "leave faulty samples out instead of refusing")
    .option("--out <folder>", "the run folder (default: a free one under runs/)")
    .option("--resume", "continue the run in --out from its last checkpoint")
    .option(
      "--set <path=value>",
      "set any field of the recipe; repeatable",
      (value: string, all: string[]) => [...all, value],
      [],
    )
    .option("--quiet", "no progress on stderr")
    .option("--json", "print the result as one JSON document")
    .addOption(new Option("--events", "print each event as a line of JSON").conflicts("json"))
    .addHelpText(
      "after",
      "\nExamples:\n  acr train\n  acr train --dataset 300w --root ./300w --val-split lfpw/testset --loss acr --out runs/first\n  acr train --resume --out runs/first",
    )
    .action(async (recipeFile: string | undefined, flags: TrainFlags) => {
      const { set, out, resume = false, json, events, quiet = false, gpu: _, wide: __, ...fields } = flags;
      if (resume && out === undefined)
        throw new InvalidArgumentError("acr train: --resume needs --out, the folder of the run to continue.");
      const recipe = overrideRecipe(recipeFile === undefined ? {} : await readJsonFile(recipeFile, "a recipe"), fields);
      for (const assignment of set) setPath(recipe, assignment);
      checkGpu(flags.gpu, recipe.backend);
      checkWide("acr train", flags.wide, recipe.backend);
      const folder = out ?? freeRunFolder(String(recipe.dataset ?? "synthetic"), String(recipe.loss ?? "acr"));
      const onEvent = events
        ? (event: TrainEvent) => void process.stdout.write(`${JSON.stringify(event)}\n`)
        : undefined;
      const result = await runTraining({
        recipe: recipe as RecipeInput,
        folder,
        resume,
        quiet: quiet || !!events,
        onEvent,
      });
      if (json) printJson(result);
      if (!result.finished) onInterrupted();
    });
}

/** Trains with progress on stderr; Ctrl-C and SIGTERM end the run with a checkpoint. */
export async function runTraining(options: {
  recipe: RecipeInput;
  folder: string;
  resume?: boolean;
  quiet?: boolean;
  title?: string;
  onEvent?: (event: TrainEvent) => void;
}): Promise<TrainResult> {
  const { recipe, folder, resume = false, quiet = false, title, onEvent } = options;
  const { signal, release } = stopOnSignals("after this step; the checkpoint is being written", { quiet });
  const progress = new TrainProgress({ quiet, title });
  const isEmpty = Object.keys(recipe).length === 0;
  try {
    const run = train({ ...(resume && isEmpty ? {} : { recipe }), folder, resume, signal });
    for (;;) {
      const next = await run.next();
      if (next.done) return next.value;
      progress.show(next.value);
      onEvent?.(next.value);
    }
  } finally {
    progress.close();
    release();
  }
}
