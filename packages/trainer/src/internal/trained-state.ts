import { InvalidArgumentError } from "@acr/core";
import { tensor, tidy } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { Checkpoint } from "../checkpoint.js";
import type { OptimizerState, TrainingOptimizer } from "../create-optimizer.js";
import { modelVariables } from "./model-variables.js";
import type { WeightAverage } from "./weight-average.js";

/** What training changes. */
interface Trained {
  model: LayersModel;
  optimizer: TrainingOptimizer;
  average: WeightAverage | undefined;
}

type TrainedState = Pick<Checkpoint, "arrays" | "optimizerStep">;

/** Weights, moments of the optimizer and the weights' moving average, as a checkpoint holds them. */
export async function readTrainedState({ model, optimizer, average }: Trained): Promise<TrainedState> {
  const arrays: Record<string, Float32Array> = {};
  const names = new Map<string, string>();
  for (const [name, variable] of modelVariables(model).all) {
    arrays[`weight/${name}`] = (await variable.data()) as Float32Array;
    names.set(variable.name, name);
  }
  const { step, slots } = await optimizer.readState();
  for (const [variableName, ofVariable] of Object.entries(slots)) {
    // Variable names are numbered within a process, so slots are filed under the weight's own name.
    for (const [slot, array] of Object.entries(ofVariable)) arrays[`slot/${slot}/${names.get(variableName)!}`] = array;
  }
  for (const [name, array] of Object.entries((await average?.readState()) ?? {})) arrays[`average/${name}`] = array;
  return { arrays, optimizerStep: step };
}

/**
 * Sets what `readTrainedState` read.
 *
 * @throws {InvalidArgumentError} the state is that of another model.
 */
export function restoreTrainedState(
  { model, optimizer, average }: Trained,
  { arrays, optimizerStep }: TrainedState,
): void {
  const slots: OptimizerState["slots"] = {};
  const { all } = modelVariables(model);
  for (const [name, variable] of all) {
    const weight = arrays[`weight/${name}`];
    if (weight?.length !== variable.size)
      throw new InvalidArgumentError(
        `train: the checkpoint does not fit the recipe: weight ${name} has ${weight?.length ?? "no"} values, expected ${variable.size}.`,
      );
    tidy(() => variable.assign(tensor(weight, variable.shape)));
  }
  for (const [key, array] of Object.entries(arrays)) {
    const [, slot, name] = /^slot\/([^/]+)\/(.*)$/.exec(key) ?? [];
    if (!slot || !name) continue;
    const variable = all.get(name)!.name;
    slots[variable] = { ...slots[variable], [slot]: array };
  }
  optimizer.setState({ step: optimizerStep, slots });
  average?.setState(Object.fromEntries([...all.keys()].map((name) => [name, arrays[`average/${name}`]!])));
}
