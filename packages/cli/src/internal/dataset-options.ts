import type { Command } from "commander";

/** Which faces a command works on. */
export interface DatasetOptions {
  dataset: "synthetic" | "300w" | "cofw" | "wflw" | "points";
  root?: string;
  split: string;
  skipFaulty: boolean;
}

/** Adds the options that name a data set. */
export function addDatasetOptions(command: Command, defaultSplit: string): Command {
  return command
    .option("--dataset <name>", "synthetic, 300w, cofw, wflw or points", "synthetic")
    .option("--root <folder>", "the folder that holds the data set")
    .option("--split <name>", "a split, or folders separated by commas", defaultSplit)
    .option("--skip-faulty", "leave faulty samples out instead of refusing", false);
}
