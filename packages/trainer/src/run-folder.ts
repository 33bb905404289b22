import { existsSync, readdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DataFormatError, InvalidArgumentError } from "@acr/core";
import { makeFolder } from "@acr/core/node";
import { writeFileAtomically } from "./internal/write-file-atomically.js";
import { parseRecipe, type Recipe } from "./recipe.js";
import type { EpochMetrics } from "./train-event.js";

/**
 * Where the files of a run lie.
 *
 * @example runFiles("runs/a").metrics; // "runs/a/metrics.jsonl"
 */
export const runFiles = (folder: string) => ({
  recipe: join(folder, "recipe.json"),
  metrics: join(folder, "metrics.jsonl"),
  environment: join(folder, "environment.json"),
  model: join(folder, "model"),
  checkpoint: join(folder, "checkpoint", "last.bin"),
  previousCheckpoint: join(folder, "checkpoint", "previous.bin"),
  samples: join(folder, "samples"),
  failedBatch: join(folder, "failed-batch"),
  /** TensorBoard event files. */
  logs: join(folder, "logs"),
  shapeModel: join(folder, "shape-model.json"),
  report: join(folder, "report.html"),
});

/**
 * Makes a new run folder.
 *
 * @throws {InvalidArgumentError} the folder exists and is not empty: nothing is ever overwritten.
 * @throws {StorageError} the folder cannot be written to.
 */
export async function createRunFolder(folder: string, recipe: Recipe, environment: object): Promise<void> {
  checkRunFolderIsFree(folder);
  await makeFolder(folder);
  await makeFolder(join(folder, "checkpoint"));
  await writeFileAtomically(runFiles(folder).environment, [`${JSON.stringify(environment, null, 2)}\n`]);
  // Last: a folder with a recipe can be resumed.
  await writeFileAtomically(runFiles(folder).recipe, [`${JSON.stringify(recipe, null, 2)}\n`]);
}

/** An empty name would be the folder one stands in, which is not meant. */
export function checkFolderName(caller: string, folder: unknown): void {
  if (typeof folder !== "string" || folder.trim() === "")
    throw new InvalidArgumentError(
      `${caller}: folder (--out) must be a path; got ${JSON.stringify(folder)}. For the folder you stand in, say ".".`,
    );
}

/** @throws {InvalidArgumentError} the folder holds something. What a run killed at its very start leaves does not count. */
export function checkRunFolderIsFree(folder: string): void {
  if (!existsSync(folder)) return;
  if (!statSync(folder).isDirectory())
    throw new InvalidArgumentError(`train: "${folder}" is a file. Please choose another --out.`);
  const remains = ["checkpoint", "environment.json"];
  if (readdirSync(folder).every((name) => remains.includes(name) || name.endsWith(".tmp"))) return;
  const hint = existsSync(runFiles(folder).recipe)
    ? "already holds a run. Continue it with --resume, or"
    : "is not empty. Please";
  throw new InvalidArgumentError(`train: the folder "${folder}" ${hint} choose another --out.`);
}

/**
 * The recipe of a run.
 *
 * @throws {DataFormatError} the folder holds no run, or its recipe is damaged.
 */
export async function readRecipe(folder: string): Promise<Recipe> {
  const file = runFiles(folder).recipe;
  const text = await readFile(file, "utf8").catch((cause) => {
    throw new DataFormatError("not found: this folder holds no run. Train one with acr train --out.", { file, cause });
  });
  try {
    return parseRecipe(JSON.parse(text));
  } catch (cause) {
    throw new DataFormatError(`not a valid recipe: ${(cause as Error).message}`, { file, cause });
  }
}

/**
 * The epochs a run has finished so far, in order. A last line that a crash cut short does not count.
 *
 * @throws {DataFormatError} another line is no JSON.
 */
export async function readHistory(folder: string): Promise<EpochMetrics[]> {
  const file = runFiles(folder).metrics;
  if (!existsSync(file)) return [];
  const lines = (await readFile(file, "utf8")).split("\n").slice(0, -1);
  return lines.flatMap((text, i) => {
    if (text.trim() === "") return [];
    try {
      return [JSON.parse(text) as EpochMetrics];
    } catch (cause) {
      throw new DataFormatError("not a line of JSON; remove it.", { file, line: i + 1, cause });
    }
  });
}

/** Writes the whole history: short, and so never half a line or an epoch twice, whatever moment a run is killed at. */
export async function writeHistory(folder: string, history: readonly EpochMetrics[]): Promise<void> {
  await writeFileAtomically(
    runFiles(folder).metrics,
    history.map((line) => `${JSON.stringify(line)}\n`),
  );
}
