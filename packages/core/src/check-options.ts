import { InvalidArgumentError } from "./invalid-argument-error.js";
import { nearestNames } from "./nearest-names.js";

/**
 * Refuses option names that a function does not know, so that a typing mistake never passes silently.
 *
 * @param functionName - starts the message.
 * @param options - the caller's options object; `undefined` passes.
 * @param known - every valid name.
 * @throws {InvalidArgumentError} on the first unknown name, with the nearest valid ones.
 * @example checkOptions("wingLoss", { widht: 3 }, ["width", "curvature"]); // throws: … Did you mean width?
 */
export function checkOptions(functionName: string, options: object | undefined, known: readonly string[]): void {
  if (options === undefined) return;
  if (options === null || typeof options !== "object" || Array.isArray(options)) {
    throw new InvalidArgumentError(
      `${functionName}: options must be an object; got ${options === null ? "null" : Array.isArray(options) ? "an array" : typeof options}.`,
    );
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const hint =
      known.length > 0
        ? ` Did you mean ${nearestNames(name, known, 1).join()}? Valid options: ${known.join(", ")}.`
        : "";
    throw new InvalidArgumentError(`${functionName}: unknown option "${name}".${hint}`);
  }
}
