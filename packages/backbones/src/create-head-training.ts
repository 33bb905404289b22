import { checkOptions, InvalidArgumentError } from "@acr/core";
import { add, mul, type Scalar, type Tensor, type Tensor3D, tidy } from "@tensorflow/tfjs-core";
import { model as createModel, type LayersModel, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { findHead, type HeadName } from "./internal/heads/landmark-heads.js";

/** Options of `createHeadTraining`. */
export interface HeadTrainingOptions {
  /**
   * Weight of the head's own loss beside that of the coordinates, ≥ 0. Default: simcc 0.01, pip 0.02, integral 0, where
   * coordinates in the `centered` frame have a loss of the order of 0.01. `gap` has none.
   */
  auxiliaryWeight?: number;
}

/** What a training loop needs of a head. */
export interface HeadTraining {
  /** `undefined` for a model of another make, which is trained by its coordinates alone. */
  readonly head: HeadName | undefined;
  /**
   * A view of the model, with its weights, whose outputs `loss` takes: the landmarks [B, K, 2], then what the head's own
   * loss reads. It is the model itself where the head has no loss of its own. Dispose the original only.
   */
  readonly model: LayersModel;
  /**
   * Loss of one batch: `coordinateLoss` of the landmarks plus the weighted loss of the head.
   *
   * @param outputs - of `model`, one tensor or several.
   * @param targets - [B, K, 2], `centered`.
   * @param coordinateLoss - of (predictions, targets), both [B, K, 2], to a scalar: any loss of `@acr/loss`.
   */
  loss(
    outputs: Tensor | Tensor[],
    targets: Tensor3D,
    coordinateLoss: (predictions: Tensor3D, targets: Tensor3D) => Scalar,
  ): Scalar;
}

/**
 * The training side of a landmark model's head: which outputs to train on, and the loss over them. Losses of
 * coordinates, ACR among them, apply to every head alike; heads that classify places or cells add their own.
 *
 * @param model - from `createLandmarkModel`, also after saving and loading.
 * @throws {InvalidArgumentError} model is no LayersModel with one output [B, K, 2], or a value is out of range.
 * @example
 * const training = createHeadTraining(model);
 * const value = training.loss(training.model.apply(images, { training: true }), targets, l1Loss);
 */
export function createHeadTraining(model: LayersModel, options: HeadTrainingOptions = {}): HeadTraining {
  const caller = "createHeadTraining";
  checkOptions(caller, options, ["auxiliaryWeight"]);
  if (!Array.isArray(model?.layers) || model.outputs?.length !== 1 || model.outputs[0]!.shape.length !== 3) {
    throw new InvalidArgumentError(`${caller}: model must be a LayersModel with one output [B, K, 2].`);
  }
  const found = findHead(model);
  const { auxiliaryWeight: weight = found?.head.auxiliaryWeight ?? 0 } = options;
  if (!(Number.isFinite(weight) && weight >= 0)) {
    throw new InvalidArgumentError(`${caller}: auxiliaryWeight must be a finite number >= 0; got ${String(weight)}.`);
  }
  const { trainingLayers = [], auxiliaryLoss } = found?.head ?? {};
  if (options.auxiliaryWeight !== undefined && weight > 0 && !auxiliaryLoss) {
    throw new InvalidArgumentError(`${caller}: auxiliaryWeight must be 0: this head has no loss of its own.`);
  }
  const hasOwnLoss = auxiliaryLoss !== undefined && weight > 0;
  const trained = hasOwnLoss
    ? createModel({
        name: `${model.name}_training`,
        inputs: model.inputs,
        outputs: [model.outputs[0]!, ...trainingLayers.map((name) => model.getLayer(name).output as SymbolicTensor)],
      })
    : model;
  return {
    head: found?.name,
    model: trained,
    loss(outputs, targets, coordinateLoss) {
      const [landmarks, ...rest] = Array.isArray(outputs) ? outputs : [outputs];
      return tidy(() => {
        const ofCoordinates = coordinateLoss(landmarks as Tensor3D, targets);
        if (!hasOwnLoss) return ofCoordinates;
        return add(ofCoordinates, mul(auxiliaryLoss(rest, targets, model), weight)) as Scalar;
      });
    },
  };
}
