import { InvalidArgumentError, nearestNames } from "@acr/core";
import { acrRule } from "../acr-loss.js";
import { charbonnierRule } from "../charbonnier-loss.js";
import { huberRule } from "../huber-loss.js";
import { l1Rule } from "../l1-loss.js";
import { l2Rule } from "../l2-loss.js";
import { logCoshRule } from "../log-cosh-loss.js";
import { rectifiedWingRule } from "../rectified-wing-loss.js";
import { smoothL1Rule } from "../smooth-l1-loss.js";
import { softWingRule } from "../soft-wing-loss.js";
import { wingRule } from "../wing-loss.js";
import type { LossRule } from "./loss-rule.js";

/** All losses of single coordinates by name. */
export const LOSS_RULES: Readonly<Record<string, (options?: object) => LossRule>> = {
  acr: acrRule,
  charbonnier: charbonnierRule,
  huber: huberRule,
  l1: l1Rule,
  l2: l2Rule,
  logCosh: logCoshRule,
  rectifiedWing: rectifiedWingRule,
  smoothL1: smoothL1Rule,
  softWing: softWingRule,
  wing: wingRule,
};

/** The registry key of a name; the function's own name, e.g. `"wingLoss"`, works too. */
export function lossKey(functionName: string, name: string, known: readonly string[]): string {
  if (known.includes(name)) return name;
  const key = String(name).replace(/Loss$/, "");
  if (known.includes(key)) return key;
  throw new InvalidArgumentError(
    `${functionName}: unknown loss "${String(name)}"; did you mean ${nearestNames(String(name), known, 1)[0]}? Valid names: ${known.join(", ")}.`,
  );
}
