import { enableProdMode } from "@tensorflow/tfjs-core";
import { Command } from "commander";
import { version } from "../package.json";
import { backendCommand } from "./commands/backend.js";
import { benchCommand } from "./commands/bench.js";
import { dataCommand } from "./commands/data.js";
import { doctorCommand } from "./commands/doctor.js";
import { evaluateCommand } from "./commands/evaluate.js";
import { exportCommand } from "./commands/export.js";
import { predictCommand } from "./commands/predict.js";
import { reportCommand } from "./commands/report.js";
import { shapeCommand } from "./commands/shape.js";
import { sweepCommand } from "./commands/sweep.js";
import { trainCommand } from "./commands/train.js";
import { weightsCommand } from "./commands/weights.js";
import { reportErrors } from "./internal/report-errors.js";

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
  // Else the cpu backend advertises another package on the first use.
  enableProdMode();
  const program = new Command("acr")
    .description("Train, evaluate and run facial-landmark models with TensorFlow.js.")
    .version(version)
    .exitOverride()
    // What follows the name of a command is its own: acr sweep and acr sweep worker both know --redis.
    .enablePositionalOptions()
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, "acr: ").replace(/\n\(Did/, " (Did")),
    })
    .showSuggestionAfterError();
  const interrupted = () => {
    exitCode = INTERRUPTED;
  };
  for (const command of [
    doctorCommand(),
    backendCommand(),
    benchCommand(),
    dataCommand(interrupted),
    trainCommand(interrupted),
    sweepCommand(interrupted),
    evaluateCommand(),
    predictCommand(),
    exportCommand(),
    reportCommand(),
    shapeCommand(),
    weightsCommand(),
  ]) {
    program.addCommand(inheritSettings(command, program));
  }
  return reportErrors(async () => {
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  });
}

/** `addCommand` copies nothing from the parent, so error handling is handed down by hand. */
function inheritSettings(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inheritSettings(child, parent);
  return command;
}
