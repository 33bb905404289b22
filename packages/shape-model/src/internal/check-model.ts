import { InvalidArgumentError } from "@acr/core";
import type { PointModel } from "../point-model.js";

/** Refuses what is no point model. By its fields: the ESM and the CommonJS build have a class each. */
export function checkModel(caller: string, model: PointModel, name = "model"): void {
  if (!(model?.mean instanceof Float64Array && Array.isArray(model.modes) && model.eigenvalues instanceof Float64Array))
    throw new InvalidArgumentError(
      `${caller}: ${name} must be a PointModel; got ${model === null ? "null" : typeof model}. Use PointModel.fromJSON for a model's JSON.`,
    );
}
