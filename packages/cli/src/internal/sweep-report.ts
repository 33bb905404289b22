import { execFileSync } from "node:child_process";
import { renderTable, type TableRow } from "@acr/report";
import {
  expandSweep,
  type Spread,
  type SweepPlan,
  summarizeTrials,
  type TrialResult,
  type TrialSummary,
} from "@acr/trainer";

/** A sweep that has been read. */
export interface ReadSweep {
  folder: string;
  plan: SweepPlan;
  results: TrialResult[];
}

const number = (value: number | undefined, digits: number) => (value === undefined ? "" : value.toFixed(digits));

/** One row a trial, best first. */
export function trialRows(results: readonly TrialResult[]): TableRow[] {
  return [...results]
    .sort((a, b) => (a.nmePercent ?? Number.MAX_VALUE) - (b.nmePercent ?? Number.MAX_VALUE))
    .map((result) => ({
      trial: result.name,
      seed: String(result.seed),
      "NME %": number(result.nmePercent, 2),
      "failures %": number(result.failureRatePercent, 2),
      "AUC@0.1": number(result.auc, 4),
      epoch: result.bestEpoch === undefined ? "" : `${result.bestEpoch} of ${result.epochs}`,
      minutes: result.seconds === undefined ? "" : number(result.seconds / 60, 1),
      status: result.error === undefined ? result.status : `${result.status}: ${result.error.slice(0, 60)}`,
    }));
}

/** One row a setting, its seeds together: mean ± standard deviation. */
export function summaryRows(summaries: readonly TrialSummary[]): TableRow[] {
  const spread = (value: Spread | undefined, digits: number) => {
    if (!value) return "";
    const { mean, standardDeviation } = value;
    return standardDeviation === undefined
      ? number(mean, digits)
      : `${number(mean, digits)} ± ${number(standardDeviation, digits)}`;
  };
  return summaries.map((summary) => ({
    trial: summary.name,
    seeds: summary.seeds.length,
    "NME %": spread(summary.nmePercent, 2),
    "best NME %": number(summary.nmePercent?.min, 2),
    "failures %": spread(summary.failureRatePercent, 2),
    "AUC@0.1": spread(summary.auc, 4),
    epochs: summary.epochs === undefined ? "" : String(summary.epochs),
    minutes: number(summary.seconds / 60, 1),
    status: Object.entries(summary.statuses)
      .map(([status, count]) => `${count} ${status}`)
      .join(", "),
  }));
}

/** Everything a reader needs to trust or repeat a sweep, as data. */
export function sweepRecord(sweeps: readonly ReadSweep[]): object {
  const workers = new Set(sweeps.flatMap(({ results }) => results.map(({ worker }) => worker?.split(":")[0])));
  const commit = currentCommit();
  const dates = sweeps.flatMap(({ results }) => results.map(({ finishedAt }) => finishedAt)).sort();
  return {
    formatVersion: 1,
    ...(commit !== undefined && { commit }),
    node: process.version,
    machines: workers.size,
    ...(dates.length > 0 && { firstFinishedAt: dates[0], lastFinishedAt: dates.at(-1) }),
    sweeps: sweeps.map(({ plan, results }) => ({
      plan,
      trialCount: expandSweep(plan).length,
      isComplete: isComplete({ plan, results }),
      summary: summarizeTrials(results),
      results: results.map(({ worker: _worker, ...result }) => result),
    })),
  };
}

const isComplete = ({ plan, results }: Pick<ReadSweep, "plan" | "results">) =>
  results.length === expandSweep(plan).length && results.every(({ status }) => status !== "paused");

/** The same to read. Holds no name of a machine or folder. */
export function sweepMarkdown(sweeps: readonly ReadSweep[]): string {
  const commit = currentCommit();
  const parts = sweeps.flatMap(({ plan, results }) => {
    const counts = summarizeTrials(results).map(({ seeds }) => seeds.length);
    const hours = results.reduce((sum, { seconds = 0 }) => sum + seconds, 0) / 3600;
    const { backbone, imageSize, epochs, dataset, valSplit } = plan.recipe as Record<string, unknown>;
    const setting = [
      backbone,
      imageSize && `${imageSize} px`,
      epochs && `${epochs} epochs`,
      dataset,
      valSplit && `tested on ${valSplit}`,
    ];
    return [
      `# ${plan.name}`,
      `${isComplete({ plan, results }) ? "" : "**Not complete.** "}${results.length} of ${expandSweep(plan).length} trials with a result, ${hours.toFixed(1)} h of training${commit === undefined ? "" : `, written at commit ${commit}`}. ${setting.filter(Boolean).join(", ")}. NME in percent, best epoch of each run${Math.max(0, ...counts) > 1 ? "; mean ± standard deviation over seeds" : ""}.`,
      results.length === 0
        ? "No trial has ended yet."
        : renderTable(summaryRows(summarizeTrials(results)), { format: "markdown" }),
      ...(results.length > counts.length
        ? ["## Every trial", renderTable(trialRows(results), { format: "markdown" })]
        : []),
    ];
  });
  return `${parts.join("\n\n")}\n`;
}

/** Where the results of a project of its own are kept in git, its state; nothing elsewhere. */
function currentCommit(): string | undefined {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return undefined;
  }
}
