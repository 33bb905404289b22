import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DataFormatError, InvalidArgumentError } from "@acr/core";
import { makeFolder } from "@acr/core/node";
import { writeFileAtomically } from "./internal/write-file-atomically.js";
import type { TrialResult } from "./sweep-event.js";
import { parseSweepPlan, type SweepPlan } from "./sweep-plan.js";

/**
 * Where the files of a sweep lie.
 *
 * @example sweepFiles("sweeps/a").plan; // "sweeps/a/plan.json"
 */
export const sweepFiles = (folder: string) => ({
  plan: join(folder, "plan.json"),
  results: join(folder, "results"),
  result: (id: string) => join(folder, "results", `${id}.json`),
  trial: (id: string) => join(folder, "trials", id),
});

/** Makes the folder of a sweep, or checks that the one there belongs to the same plan. */
export async function openSweepFolder(folder: string, plan: SweepPlan): Promise<void> {
  const files = sweepFiles(folder);
  const text = `${JSON.stringify(plan, null, 2)}\n`;
  if (existsSync(files.plan)) {
    if ((await readFile(files.plan, "utf8")) !== text)
      throw new InvalidArgumentError(
        `sweep: the folder "${folder}" holds a sweep with another plan. Choose another folder; a plan is never changed under its results.`,
      );
  } else if (existsSync(folder) && (await readdir(folder)).length > 0) {
    throw new InvalidArgumentError(
      `sweep: the folder "${folder}" is not empty and holds no sweep. Choose another one.`,
    );
  }
  await makeFolder(folder);
  await makeFolder(files.results);
  await writeFileAtomically(files.plan, [text]);
}

/**
 * Reads a sweep from its folder: the plan and the results so far, in the order of the plan.
 *
 * @throws {DataFormatError} the folder holds no sweep, or a file in it is damaged.
 * @example const { results } = await readSweep("sweeps/losses");
 */
export async function readSweep(folder: string): Promise<{ plan: SweepPlan; results: TrialResult[] }> {
  const files = sweepFiles(folder);
  const parse = async (file: string): Promise<unknown> => {
    const text = await readFile(file, "utf8").catch((cause) => {
      throw new DataFormatError("not found: this folder holds no sweep. Start one with acr sweep plan.json --out.", {
        file,
        cause,
      });
    });
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new DataFormatError(`is not JSON: ${(cause as Error).message}.`, { file, cause });
    }
  };
  const plan = parseSweepPlan(await parse(files.plan));
  const names = existsSync(files.results)
    ? (await readdir(files.results)).filter((name) => name.endsWith(".json"))
    : [];
  const results = await Promise.all(names.map((name) => parse(join(files.results, name)) as Promise<TrialResult>));
  return { plan, results: results.sort((a, b) => a.index - b.index) };
}

/** Writes the record of a trial. */
export async function writeTrialResult(folder: string, result: TrialResult): Promise<void> {
  await writeFileAtomically(sweepFiles(folder).result(result.id), [`${JSON.stringify(result, null, 2)}\n`]);
}
