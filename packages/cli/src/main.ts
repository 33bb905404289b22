import { AcrError } from "@acr/core";
import { Command, CommanderError } from "commander";
import { benchCommand } from "./commands/bench.js";
import { dataCommand } from "./commands/data.js";
import { doctorCommand } from "./commands/doctor.js";
import { evaluateCommand } from "./commands/evaluate.js";
import { predictCommand } from "./commands/predict.js";
import { reportCommand } from "./commands/report.js";
import { trainCommand } from "./commands/train.js";
import { version } from "../package.json" with { type: "json" };

/** Bad usage or bad input: one line on stderr, no stack. */
const BAD_INPUT = 2;
const FAILURE = 1;
/** What shells report for a program that Ctrl-C ended. */
const INTERRUPTED = 130;

/**
 * Runs the `acr` command.
 *
 * @param argv - the arguments after `acr`.
 * @returns the exit code: 0 success, 2 bad usage or bad input, 130 interrupted, 1 any other failure.
 * @example process.exitCode = await main(["doctor", "--json"]);
 */
export async function main(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command("acr")
    .description("Train, evaluate and run facial-landmark models with TensorFlow.js.")
    .version(version)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "acr: ").replace(/\n\(Did/, " (Did")) })
    .showSuggestionAfterError();
  const interrupted = () => {
    exitCode = INTERRUPTED;
  };
  for (const command of [doctorCommand(), benchCommand(), dataCommand(), trainCommand(interrupted), evaluateCommand(), predictCommand(), reportCommand()]) {
    program.addCommand(inheritSettings(command, program));
  }
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : BAD_INPUT;
    if (AcrError.isInstance(error)) {
      process.stderr.write(`acr: ${error.message.replaceAll(/\s*\n\s*/g, " ")}\n`);
      return error.code === "ACR_BACKEND" ? FAILURE : BAD_INPUT;
    }
    process.stderr.write(`acr: unexpected failure: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return FAILURE;
  }
}

/** `addCommand` copies nothing from the parent, so error handling is handed down by hand. */
function inheritSettings(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inheritSettings(child, parent);
  return command;
}
