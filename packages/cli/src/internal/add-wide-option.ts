import { InvalidArgumentError } from "@acr/core";
import type { Command } from "commander";

/**
 * `--wide`: 256-bit registers for wasm, in this process and those it starts. It travels as `ACR_WIDE_REGISTERS`, which
 * `setupBackend` reads.
 */
export function addWideOption(command: Command): Command {
  return command
    .option("--wide", "let wasm use 256-bit registers (Node >= 24, x64): the same numbers, faster; sets a flag of V8")
    .on("option:wide", () => {
      process.env.ACR_WIDE_REGISTERS = "1";
    });
}

/**
 * Another engine than wasm would ignore `--wide` without a word.
 *
 * @param backend - that of the recipe, if it names one.
 */
export function checkWide(caller: string, wide: boolean | undefined, backend: unknown): void {
  if (wide && backend !== undefined && backend !== "auto" && backend !== "wasm") {
    throw new InvalidArgumentError(
      `${caller}: --wide is for the backend "wasm"; got the backend "${backend}". Leave one of them out.`,
    );
  }
}
