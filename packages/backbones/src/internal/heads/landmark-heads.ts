import type { LayersModel } from "@tensorflow/tfjs-layers";
import { gapHead } from "./gap-head.js";
import { integralHead } from "./integral-head.js";
import type { LandmarkHead } from "./landmark-head.js";
import { pipHead } from "./pip-head.js";
import { simccHead } from "./simcc-head.js";

/** Ways to read landmarks from a backbone's features. */
export type HeadName = "gap" | "integral" | "simcc" | "pip";

/** All heads by name. */
export const landmarkHeads: Readonly<Record<HeadName, LandmarkHead>> = {
  gap: gapHead,
  integral: integralHead,
  simcc: simccHead,
  pip: pipHead,
};

/** The head of a model, also of one that was saved and loaded; `undefined` for a model of another make. */
export function findHead(model: LayersModel): { name: HeadName; head: LandmarkHead } | undefined {
  const names = new Set(model.layers.map(({ name }) => name));
  const found = (Object.keys(landmarkHeads) as HeadName[]).find((name) => names.has(landmarkHeads[name].marker));
  return found && { name: found, head: landmarkHeads[found] };
}
