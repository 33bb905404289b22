import { InvalidArgumentError } from "@acr/core";

/** Which landmarks an error is averaged over, where visibility flags are known. */
export type CountedLandmarks = "visible" | "occluded" | "all";

const VALUES: readonly string[] = ["visible", "occluded", "all"];

/** Refuses another word. */
export function checkCounted(functionName: string, counted: string): void {
  if (!VALUES.includes(counted))
    throw new InvalidArgumentError(
      `${functionName}: counted must be one of ${VALUES.join(", ")}; got ${JSON.stringify(counted)}.`,
    );
}

/** Whether landmark k counts. Without flags all do. */
export function isCounted(
  visible: ArrayLike<number | boolean> | undefined,
  counted: CountedLandmarks,
  k: number,
): boolean {
  if (visible === undefined || counted === "all") return true;
  return counted === "visible" ? !!visible[k] : !visible[k];
}
