import { AcrError } from "@acr/core";
import { CommanderError } from "commander";

/** Bad usage or bad input: one line on stderr, no stack. */
const BAD_INPUT = 2;
const FAILURE = 1;
/** Codes of errors that no other input would have avoided. */
const FAILURES = new Set(["ACR_BACKEND", "ACR_STORAGE", "ACR_DIVERGENCE"]);

/** Runs a command and turns what it throws into an exit code and one line on stderr. */
export async function reportErrors(run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : BAD_INPUT;
    if (AcrError.isInstance(error)) {
      process.stderr.write(`acr: ${error.message.replaceAll(/\s*\n\s*/g, " ")}\n`);
      return FAILURES.has(error.code) ? FAILURE : BAD_INPUT;
    }
    process.stderr.write(
      `acr: unexpected failure: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return FAILURE;
  }
}
