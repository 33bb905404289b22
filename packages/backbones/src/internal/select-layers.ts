import { InvalidArgumentError, nearestNames } from "@acr/core";
import type { LayersModel, layers } from "@tensorflow/tfjs-layers";
import { stageName, stridesOf } from "./strides.js";

/** A part of a model: an index as in `outputIndices` (0 is stride 2), a stage's name, or names of layers with `*` for any text. */
export type ModelPart = number | string;

/**
 * The layers with weights that a part names, each in the model's order.
 *
 * Index i means the stage at stride 2^(i + 1), index 0 with what little lies in front of it.
 *
 * @throws {InvalidArgumentError} a part that names no layer.
 */
export function selectLayers(caller: string, model: LayersModel, part: ModelPart): layers.Layer[] {
  const strides = stridesOf(model);
  const weighted = model.layers.filter((layer) => layer.weights.length > 0);
  const stages = [...new Set(weighted.map((layer) => stageName(layer, strides)))];
  let chosen: layers.Layer[] = [];
  if (typeof part === "number") {
    const wanted = [`stride ${2 ** (part + 1)}`, ...(part === 0 ? ["stride 1"] : [])];
    chosen = weighted.filter((layer) => wanted.includes(stageName(layer, strides)));
  } else if (typeof part === "string") {
    const pattern = new RegExp(
      `^${part
        .split("*")
        .map((text) => text.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"))
        .join(".*")}$`,
    );
    chosen = weighted.filter((layer) => stageName(layer, strides) === part || pattern.test(layer.name));
  }
  if (chosen.length > 0) return chosen;
  const hint =
    typeof part === "string"
      ? ` Nearest layers: ${nearestNames(
          part,
          weighted.map(({ name }) => name),
          3,
        ).join(", ")}.`
      : "";
  throw new InvalidArgumentError(
    `${caller}: ${JSON.stringify(part)} names no layer with weights; expected an index 0 … 4, one of ${stages.map((name) => `"${name}"`).join(", ")}, or layers' names with * for any text.${hint}`,
  );
}
