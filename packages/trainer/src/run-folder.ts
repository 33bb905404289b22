import { existsSync, readdirSync } from "node:fs";
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DataFormatError, InvalidArgumentError } from "@acr/core";
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
  shapeModel: join(folder, "shape-model.json"),
  report: join(folder, "report.html"),
});

/**
 * Makes a new run folder.
 *
 * @throws {InvalidArgumentError} the folder exists and is not empty: nothing is ever overwritten.
 */
export async function createRunFolder(folder: string, recipe: Recipe, environment: object): Promise<void> {
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    const hint = existsSync(runFiles(folder).recipe)
      ? "already holds a run. Continue it with --resume, or"
      : "is not empty. Please";
    throw new InvalidArgumentError(`train: the folder "${folder}" ${hint} choose another --out.`);
  }
  await mkdir(join(folder, "checkpoint"), { recursive: true });
  await writeFileAtomically(runFiles(folder).recipe, [`${JSON.stringify(recipe, null, 2)}\n`]);
  await writeFileAtomically(runFiles(folder).environment, [`${JSON.stringify(environment, null, 2)}\n`]);
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

/** The epochs a run has finished so far, in order. */
export async function readHistory(folder: string): Promise<EpochMetrics[]> {
  const file = runFiles(folder).metrics;
  if (!existsSync(file)) return [];
  const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line.trim() !== "");
  return lines.map((text, i) => {
    try {
      return JSON.parse(text) as EpochMetrics;
    } catch (cause) {
      throw new DataFormatError("not a line of JSON; remove it.", { file, line: i + 1, cause });
    }
  });
}

/** Adds the line of an epoch. */
export async function appendHistory(folder: string, metrics: EpochMetrics): Promise<void> {
  await appendFile(runFiles(folder).metrics, `${JSON.stringify(metrics)}\n`);
}

/** Rewrites the history, to drop epochs that a resumed run will repeat. */
export async function writeHistory(folder: string, history: readonly EpochMetrics[]): Promise<void> {
  await writeFileAtomically(
    runFiles(folder).metrics,
    history.map((line) => `${JSON.stringify(line)}\n`),
  );
}
