import { InvalidArgumentError } from "@acr/core";
import { registrations } from "./internal/registry.js";

/**
 * Names of the backbones that `createBackbone` knows.
 *
 * @param pattern - `*` stands for any text. Default: all names.
 * @returns names in order of family and size; empty when none matches.
 * @throws {InvalidArgumentError} pattern is not a string.
 * @example listBackbones("efficientnet_*"); // ["efficientnet_b0", … "efficientnet_b7"]
 */
export function listBackbones(pattern = "*"): string[] {
  if (typeof pattern !== "string") {
    throw new InvalidArgumentError(
      `listBackbones: pattern must be a string such as "mobilenet_*"; got ${typeof pattern}.`,
    );
  }
  const escaped = pattern.split("*").map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"));
  const expression = new RegExp(`^${escaped.join(".*")}$`);
  return registrations()
    .map(({ preset }) => preset.name)
    .filter((name) => expression.test(name));
}
