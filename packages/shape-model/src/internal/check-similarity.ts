import { InvalidArgumentError } from "@acr/core";
import type { Similarity } from "../similarity-between.js";

/** Refuses what is no similarity: a scale of 0 has no inverse, and NaN would spread to every point. */
export function checkSimilarity(caller: string, similarity: Similarity): void {
  const { scale, rotationRadians, translation } = similarity ?? {};
  const numbers = [scale, rotationRadians, translation?.[0], translation?.[1]];
  if (!(numbers.every(Number.isFinite) && scale > 0 && translation.length === 2))
    throw new InvalidArgumentError(
      `${caller}: similarity must be finite with scale > 0; got ${JSON.stringify(similarity)}.`,
    );
}
