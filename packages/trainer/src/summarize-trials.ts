import type { TrialResult } from "./sweep-event.js";

/** Mean and spread of a figure over the seeds of a setting. */
export interface Spread {
  mean: number;
  /** Of a sample (n − 1); `undefined` with fewer than two seeds. */
  standardDeviation?: number;
  min: number;
  max: number;
}

/** The seeds of one setting together. */
export interface TrialSummary {
  name: string;
  /** What the setting changes in the shared recipe, by path. */
  values: Record<string, unknown>;
  /** Seeds that have a result, in order. */
  seeds: number[];
  /** Trials by what became of them. */
  statuses: Partial<Record<TrialResult["status"], number>>;
  /** Epochs that every one of these seeds has reached. */
  epochs?: number;
  nmePercent?: Spread;
  failureRatePercent?: Spread;
  auc?: Spread;
  /** Training time of all seeds together. */
  seconds: number;
}

/**
 * Puts the seeds of each setting of a sweep together, best mean NME first. Seeds that were pruned or have failed count with
 * the epochs they reached: `epochs` tells whether settings may be compared.
 *
 * @throws nothing: settings without any result come last, without figures.
 * @example summarizeTrials((await readSweep("sweeps/losses")).results)[0].nmePercent; // { mean: 5.6, standardDeviation: 0.1, … }
 */
export function summarizeTrials(results: readonly TrialResult[]): TrialSummary[] {
  const groups = new Map<string, TrialResult[]>();
  for (const result of results) {
    const key = JSON.stringify([result.name, result.values]);
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  return [...groups.values()].map(summaryOf).sort((a, b) => meanOf(a) - meanOf(b) || (a.name < b.name ? -1 : 1));
}

const meanOf = ({ nmePercent }: TrialSummary) => nmePercent?.mean ?? Number.MAX_VALUE;

function summaryOf(trials: readonly TrialResult[]): TrialSummary {
  const [{ name, values }] = trials as [TrialResult];
  const scored = trials.filter(({ nmePercent }) => nmePercent !== undefined);
  const statuses: TrialSummary["statuses"] = {};
  for (const { status } of trials) statuses[status] = (statuses[status] ?? 0) + 1;
  const spread = (key: "nmePercent" | "failureRatePercent" | "auc") =>
    spreadOf(scored.flatMap((trial) => (trial[key] === undefined ? [] : [trial[key]])));
  const figures = {
    nmePercent: spread("nmePercent"),
    failureRatePercent: spread("failureRatePercent"),
    auc: spread("auc"),
  };
  const epochs = scored.map((trial) => trial.epochs ?? 0);
  return {
    ...{ name, values, seeds: scored.map(({ seed }) => seed).sort((a, b) => a - b), statuses },
    ...(epochs.length > 0 && { epochs: Math.min(...epochs) }),
    ...Object.fromEntries(Object.entries(figures).filter(([, value]) => value !== undefined)),
    seconds: trials.reduce((sum, { seconds = 0 }) => sum + seconds, 0),
  };
}

function spreadOf(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    mean,
    ...(values.length > 1 && { standardDeviation: Math.sqrt(squares / (values.length - 1)) }),
    min: Math.min(...values),
    max: Math.max(...values),
  };
}
