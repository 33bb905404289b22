import { InvalidArgumentError } from "@acr/core";
import type { PointModelFields } from "./point-model-fields.js";

const isNumbers = (values: unknown, length?: number): values is ArrayLike<number> => {
  const list = values as ArrayLike<number>;
  if (!Array.isArray(values) && !(values instanceof Float64Array)) return false;
  if (length !== undefined && list.length !== length) return false;
  for (let i = 0; i < list.length; i++) if (!Number.isFinite(list[i])) return false;
  return true;
};

/**
 * Checks what was read from outside; used by both forms of a model.
 *
 * @throws {InvalidArgumentError} a newer formatVersion, or fields that are missing, of unequal length or not finite.
 */
export function checkFields(caller: string, form: { [name: string]: unknown } | null | undefined): PointModelFields {
  const fault = (what: string) => new InvalidArgumentError(`${caller}: ${what}.`);
  if (form?.formatVersion !== 1)
    throw fault(`formatVersion must be 1; got ${String(form?.formatVersion)}. Update @acr/shape-model`);
  const {
    mean,
    eigenvalues,
    modes,
    totalVariance,
    sampleCount,
    weightSums = [sampleCount, sampleCount],
    scheme,
  } = form;
  if (!isNumbers(mean) || mean.length === 0 || mean.length % 2 !== 0) throw fault("mean must hold 2K finite numbers");
  if (!isNumbers(eigenvalues) || eigenvalues.length === 0 || Array.from(eigenvalues).some((value) => value < 0))
    throw fault("eigenvalues must be finite numbers >= 0, at least one");
  if (
    !Array.isArray(modes) ||
    modes.length !== eigenvalues.length ||
    !modes.every((mode) => isNumbers(mode, mean.length))
  )
    throw fault(`modes must be ${eigenvalues.length} rows of ${mean.length} finite numbers`);
  if (!(typeof totalVariance === "number" && totalVariance > 0 && Number.isFinite(totalVariance)))
    throw fault(`totalVariance must be > 0; got ${String(totalVariance)}`);
  if (!(Number.isInteger(sampleCount) && (sampleCount as number) >= 2))
    throw fault(`sampleCount must be an integer >= 2; got ${String(sampleCount)}`);
  if (!isNumbers(weightSums, 2) || !(weightSums[0]! > 0 && weightSums[1]! > 0))
    throw fault(`weightSums must be two numbers > 0; got ${JSON.stringify(weightSums)}`);
  if (scheme !== undefined && typeof scheme !== "string")
    throw fault(`scheme must be a landmark scheme's id; got ${JSON.stringify(scheme)}`);
  return {
    mean: Float64Array.from(mean),
    eigenvalues: Float64Array.from(eigenvalues),
    modes: modes.map((mode) => Float64Array.from(mode)),
    totalVariance,
    sampleCount: sampleCount as number,
    weightSums: [weightSums[0]!, weightSums[1]!],
    scheme,
  };
}
