import { getLandmarkScheme, InvalidArgumentError } from "@acr/core";
import type { PointModelJson } from "../point-model-json.js";
import { readBinary, writeBinary } from "./binary-form.js";
import type { PointModelFields } from "./point-model-fields.js";

/** Names the binary form. */
const KIND = "PointModel";
/** Modes may be this far from unit length and right angles: what float32 leaves. */
const ORTHONORMAL = 1e-5;
/** Rounding granted to sums of variances. */
const ROUNDING = 1e-6;

/** The JSON form; exact. */
export function toForm(fields: PointModelFields): PointModelJson {
  const { mean, eigenvalues, modes, totalVariance, sampleCount, weightSums, scheme, align } = fields;
  return {
    formatVersion: 1,
    mean: [...mean],
    eigenvalues: [...eigenvalues],
    modes: modes.map((mode) => [...mode]),
    totalVariance,
    sampleCount,
    ...(weightSums.every((sum) => sum === sampleCount) ? {} : { weightSums: [...weightSums] as [number, number] }),
    ...(scheme === undefined ? {} : { scheme }),
    ...(align === "none" ? {} : { align }),
  };
}

/** The binary form; exact. */
export function toBytes(fields: PointModelFields): Uint8Array {
  const { mean, eigenvalues } = fields;
  const { mean: _, eigenvalues: __, modes: ___, ...header } = toForm({ ...fields, modes: [] });
  const modes = new Float64Array(eigenvalues.length * mean.length);
  fields.modes.forEach((mode, i) => modes.set(mode, i * mean.length));
  return writeBinary({ kind: KIND, header, blocks: { mean, eigenvalues, modes } });
}

/** @throws {InvalidArgumentError} bytes of something else, a newer version, a file cut short, faulty fields. */
export function fromBytes(caller: string, bytes: Uint8Array): PointModelFields {
  const { header, blocks } = readBinary(caller, KIND, bytes);
  const { mean, eigenvalues, modes: all } = blocks;
  const length = mean?.length ?? 0;
  const count = eigenvalues?.length ?? 0;
  if (all?.length !== count * length)
    throw new InvalidArgumentError(
      `${caller}: modes must hold ${count * length} numbers; got ${all?.length ?? "none"}.`,
    );
  const modes = Array.from({ length: count }, (_, i) => all.subarray(i * length, (i + 1) * length));
  return fromForm(caller, { ...header, mean, eigenvalues, modes });
}

/**
 * Checks what was read from outside; used by both forms of a model.
 *
 * @throws {InvalidArgumentError} a newer formatVersion, or fields that are missing, of unequal length, not finite or not
 *   those of any point model.
 */
export function fromForm(caller: string, form: unknown): PointModelFields {
  const fault = (what: string) => new InvalidArgumentError(`${caller}: ${what}.`);
  if (form === null || typeof form !== "object" || Array.isArray(form))
    throw fault(
      `a model must be an object; got ${form === null ? "null" : Array.isArray(form) ? "an array" : typeof form}`,
    );
  const fields = form as { [name: string]: unknown };
  const { formatVersion } = fields;
  if (formatVersion !== 1) {
    const isNewer = typeof formatVersion === "number" && formatVersion > 1;
    throw fault(
      `formatVersion must be 1; got ${String(formatVersion)}. ${isNewer ? "Update @acr/shape-model" : "Is this a PointModel?"}`,
    );
  }
  const { mean, eigenvalues, modes, totalVariance, sampleCount, scheme, align = "none" } = fields;
  const { weightSums = [sampleCount, sampleCount] } = fields;
  if (!isNumbers(mean) || mean.length === 0 || mean.length % 2 !== 0) throw fault("mean must hold 2K finite numbers");
  if (!isNumbers(eigenvalues) || eigenvalues.length === 0 || Array.from(eigenvalues).some((value) => value < 0))
    throw fault("eigenvalues must be finite numbers >= 0, at least one");
  if (Array.from(eigenvalues).some((value, i) => i > 0 && value > eigenvalues[i - 1]!))
    throw fault("eigenvalues must fall from the largest to the smallest");
  if (eigenvalues.length > mean.length)
    throw fault(`eigenvalues must be at most ${mean.length}, one a coordinate; got ${eigenvalues.length}`);
  if (
    !Array.isArray(modes) ||
    modes.length !== eigenvalues.length ||
    !modes.every((mode) => isNumbers(mode, mean.length))
  )
    throw fault(`modes must be ${eigenvalues.length} rows of ${mean.length} finite numbers`);
  checkOrthonormal(modes, fault);
  if (!(typeof totalVariance === "number" && totalVariance > 0 && Number.isFinite(totalVariance)))
    throw fault(`totalVariance must be > 0; got ${String(totalVariance)}`);
  const explained = Array.from(eigenvalues).reduce((sum, value) => sum + value, 0);
  if (!(explained > 0 && explained <= totalVariance * (1 + ROUNDING)))
    throw fault(`totalVariance must be at least ${explained}, the sum of the eigenvalues; got ${totalVariance}`);
  if (!(Number.isInteger(sampleCount) && (sampleCount as number) >= 2))
    throw fault(`sampleCount must be an integer >= 2; got ${String(sampleCount)}`);
  if (!isNumbers(weightSums, 2) || !(weightSums[0]! > 0 && weightSums[1]! > 0))
    throw fault(`weightSums must be two numbers > 0; got ${JSON.stringify(weightSums)}`);
  if (scheme !== undefined && (typeof scheme !== "string" || scheme === ""))
    throw fault(`scheme must be a landmark scheme's id; got ${JSON.stringify(scheme)}`);
  checkLandmarkCount(scheme, mean.length / 2, fault);
  if (align !== "none" && align !== "procrustes")
    throw fault(`align must be "procrustes" or absent; got ${JSON.stringify(align)}`);
  return {
    mean: Float64Array.from(mean),
    eigenvalues: Float64Array.from(eigenvalues),
    modes: modes.map((mode) => Float64Array.from(mode)),
    totalVariance,
    sampleCount: sampleCount as number,
    weightSums: [weightSums[0]!, weightSums[1]!],
    scheme,
    align,
  };
}

const isNumbers = (values: unknown, length?: number): values is ArrayLike<number> => {
  const list = values as ArrayLike<number>;
  if (!Array.isArray(values) && !(values instanceof Float64Array)) return false;
  if (length !== undefined && list.length !== length) return false;
  for (let i = 0; i < list.length; i++) if (!Number.isFinite(list[i])) return false;
  return true;
};

/** Projection and reconstruction rest on it: modes that are not orthonormal would give wrong faces in silence. */
function checkOrthonormal(modes: readonly ArrayLike<number>[], fault: (what: string) => Error): void {
  for (const [i, mode] of modes.entries()) {
    for (let j = 0; j <= i; j++) {
      const other = modes[j]!;
      let product = i === j ? -1 : 0;
      for (let q = 0; q < mode.length; q++) product += mode[q]! * other[q]!;
      if (Math.abs(product) > ORTHONORMAL)
        throw fault(i === j ? `mode ${i} must have length 1` : `modes ${j} and ${i} must be at right angles`);
    }
  }
}

function checkLandmarkCount(scheme: string | undefined, count: number, fault: (what: string) => Error): void {
  let known: { landmarkCount: number };
  try {
    known = getLandmarkScheme(scheme ?? "");
  } catch {
    return; // A scheme of the caller's own.
  }
  if (known.landmarkCount !== count)
    throw fault(`mean must hold ${known.landmarkCount} landmarks, as ${scheme} has; got ${count}`);
}
