import { InvalidArgumentError, ShapeError } from "@acr/core";
import { Tensor } from "@tensorflow/tfjs-core";
import type { PointModel } from "../point-model.js";
import { checkModel } from "./check-model.js";

/** Refuses targets of another shape, and modes, unit or clip out of range. */
export function checkTensorCall(
  caller: string,
  model: PointModel,
  targets: Tensor,
  options: { modes: number; unit?: string; clip?: number | false } | undefined,
): void {
  checkModel(caller, model);
  if (!(targets instanceof Tensor))
    throw new InvalidArgumentError(
      `${caller}: targets must be a tensor; got ${Array.isArray(targets) ? "an array" : typeof targets}.`,
    );
  const { modes, unit = "coordinate", clip = 3 } = options ?? ({} as { modes: number; unit?: string; clip?: number });
  const length = model.mean.length;
  const { rank, shape } = targets;
  const fits = rank === 2 ? shape[1] === length : rank === 3 && shape[1] === length / 2 && shape[2] === 2;
  if (!fits) {
    throw new ShapeError(
      `${caller}: targets must be [B, ${length / 2}, 2] or [B, ${length}]; got [${shape.join(", ")}]. The model has ${length / 2} landmarks.`,
    );
  }
  if (!Number.isInteger(modes) || modes < 0 || modes > model.modes.length) {
    throw new InvalidArgumentError(
      `${caller}: modes must be an integer from 0 to ${model.modes.length}; got ${modes}.`,
    );
  }
  if (unit !== "coordinate" && unit !== "landmark") {
    throw new InvalidArgumentError(`${caller}: unit must be "coordinate" or "landmark"; got ${JSON.stringify(unit)}.`);
  }
  if (clip !== false && !(typeof clip === "number" && clip > 0))
    throw new InvalidArgumentError(`${caller}: clip must be > 0 or false; got ${clip}.`);
}
