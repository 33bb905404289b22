import { clock } from "./clock.js";

/** A trial in progress. */
export interface RunningTrial {
  id: string;
  /** One-based epoch in progress, and the last one of this go. */
  epoch?: number;
  epochs: number;
  loss?: number;
  nmePercent?: number;
  imagesPerSecond?: number;
  worker?: string;
}

/** What the table shows. */
export interface SweepState {
  trialCount: number;
  doneCount: number;
  failedCount: number;
  seconds: number;
  /** Trials that ended in this call, and so tell how long the others will take. */
  endedNow: number;
  running: readonly RunningTrial[];
  /** Best first. */
  best: readonly { id: string; nmePercent: number }[];
  /** Why nothing moves, where something is wrong. */
  trouble?: string;
}

type Column = (trial: RunningTrial) => string;

/** From the most to the least important; those that do not fit are left out. */
const COLUMNS: readonly Column[] = [
  ({ epoch, epochs }) => (epoch === undefined ? "starting" : `epoch ${epoch}/${epochs}`),
  ({ nmePercent }) => (nmePercent === undefined ? "" : `NME ${nmePercent.toFixed(2)} %`),
  ({ loss }) => (loss === undefined ? "" : `loss ${loss.toPrecision(3)}`),
  ({ imagesPerSecond }) => (imagesPerSecond === undefined ? "" : `${imagesPerSecond.toFixed(0)} images/s`),
  ({ worker }) => worker ?? "",
];
const GAP = "  ";
/** Of a name, where all of it does not fit. */
const SHORTEST_NAME = 12;
const BEST_COUNT = 3;

/**
 * The table of a sweep in progress as lines, none longer than the terminal is wide and not more than it is high.
 *
 * @example sweepTable(state, { columns: 80, rows: 24 }).join("\n");
 */
export function sweepTable(state: SweepState, { columns, rows }: { columns: number; rows: number }): string[] {
  const { trialCount, doneCount, failedCount, seconds, endedNow, running, best, trouble } = state;
  const left = endedNow > 0 ? (seconds / endedNow) * (trialCount - doneCount) : undefined;
  const head = [
    `${doneCount}/${trialCount} trials`,
    `${running.length} running`,
    ...(failedCount > 0 ? [`${failedCount} failed`] : []),
    ...(left === undefined ? [] : [`${clock(left)} left`]),
    `${clock(seconds)} elapsed`,
  ];
  while (head.length > 1 && head.join(", ").length > columns) head.pop();
  const lines = [head.join(", ")];
  if (trouble !== undefined) lines.push(trouble);
  const bestLines = best.slice(0, BEST_COUNT).map(({ id, nmePercent }, i) => {
    const score = `${i + 1}. ${nmePercent.toFixed(2)} %`;
    return `${score}${GAP}${shorten(id, columns - score.length - GAP.length)}`;
  });
  const room = Math.max(1, rows - lines.length - bestLines.length - 1);
  const shown = running.slice(0, running.length > room ? room - 1 : room);
  lines.push(...trialLines(shown, columns));
  if (shown.length < running.length) lines.push(`… ${running.length - shown.length} more`);
  return [...lines, ...bestLines].map((line) => shorten(line, columns));
}

function trialLines(trials: readonly RunningTrial[], columns: number): string[] {
  if (trials.length === 0) return [];
  const names = trials.map(({ id }) => id);
  const longest = Math.max(...names.map((name) => name.length));
  const kept: string[][] = [];
  let width = 0;
  for (const column of COLUMNS) {
    const cells = trials.map(column);
    const size = Math.max(...cells.map((cell) => cell.length));
    if (size === 0) continue;
    const name = Math.min(longest, Math.max(SHORTEST_NAME, columns - width - GAP.length - size));
    if (name + width + GAP.length + size > columns) break;
    width += GAP.length + size;
    kept.push(cells.map((cell) => cell.padEnd(size)));
  }
  const nameWidth = Math.min(longest, columns - width);
  return names.map((name, i) =>
    [shorten(name, nameWidth).padEnd(nameWidth), ...kept.map((cells) => cells[i]!)].join(GAP).trimEnd(),
  );
}

const shorten = (text: string, width: number) =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
