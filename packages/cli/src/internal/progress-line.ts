import { clock } from "./clock.js";

/** What the line of a training run in progress tells. */
export interface ProgressState {
  /** Of a run among others. */
  title?: string;
  /** One-based. */
  epoch: number;
  epochCount: number;
  /** Batches of the epoch that are done, of how many. */
  batch: number;
  batchCount: number;
  loss: number;
  /** Of the last validation, in percent. */
  nmePercent?: number;
  imagesPerSecond: number;
  waitPercent: number;
  memoryMb: number;
  /** Of the whole run. */
  secondsLeft: number;
}

const SEPARATOR = " | ";
const LONGEST_BAR = 40;
const SHORTEST_BAR = 8;

/**
 * The progress of a training run in one line that is never wider than the terminal: what matters least is left out first,
 * and the bar takes the room that remains.
 *
 * @example progressLine(state, 80);
 * // "epoch 2/12 [████████░░░░] 80/126 | loss 0.0123 | NME 8.10 % | 3:05 left"
 */
export function progressLine(state: ProgressState, columns: number): string {
  const { title, epoch, epochCount, batch, batchCount, loss, nmePercent, secondsLeft } = state;
  const head = `${title ? `${title}: ` : ""}epoch ${epoch}/${epochCount}`;
  const count = `${batch}/${batchCount}`;
  /** As they stand; the rank says in which order they are kept. */
  const parts = [
    { rank: 1, text: `loss ${loss.toPrecision(4)}` },
    { rank: 2, text: `NME ${nmePercent === undefined ? "–" : `${nmePercent.toFixed(2)} %`}` },
    { rank: 3, text: `${state.imagesPerSecond.toFixed(0)} images/s` },
    { rank: 4, text: `waiting ${state.waitPercent.toFixed(0)} %` },
    { rank: 5, text: `${state.memoryMb.toFixed(0)} MB` },
    { rank: 0, text: `${clock(secondsLeft)} left` },
  ];
  for (let kept = parts.length; kept >= 0; kept--) {
    const tail = parts.filter(({ rank }) => rank < kept).map(({ text }) => SEPARATOR + text);
    const withoutBar = `${head} ${count}${tail.join("")}`;
    const room = columns - withoutBar.length - " []".length;
    if (room >= SHORTEST_BAR) {
      const width = Math.min(LONGEST_BAR, room);
      const full = Math.floor((width * batch) / Math.max(1, batchCount));
      return `${head} [${"█".repeat(full)}${"░".repeat(width - full)}] ${count}${tail.join("")}`;
    }
    // Numbers tell more than a bar, once few are left.
    if (kept <= 2 && withoutBar.length <= columns) return withoutBar;
  }
  return head.slice(0, Math.max(0, columns));
}
