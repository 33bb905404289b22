import type { SweepEvent, SweepTrial, TrainEvent, TrialProgress, TrialResult } from "@acr/trainer";
import { type RunningTrial, type SweepState, sweepTable } from "./sweep-table.js";
import { TrainProgress } from "./train-progress.js";

/** Where the display writes: `process.stderr`, or what a test puts in its place. */
export interface DisplayStream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
  rows?: number;
}

/** Between two drawings of the table. */
const REDRAW_MS = 200;
/** Of a table that nothing happens to. */
const TICK_MS = 1000;

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;

/**
 * Shows a sweep: on a terminal a table that is drawn anew in its place, with the lines that are to stay above it; elsewhere
 * these lines alone.
 */
export class SweepDisplay {
  private readonly stream: DisplayStream;
  private readonly isQuiet: boolean;
  private readonly isLive: boolean;
  private readonly running = new Map<string, RunningTrial>();
  private results: TrialResult[] = [];
  private trialCount = 0;
  private endedNow = 0;
  private trouble: string | undefined;
  private readonly started = performance.now();
  /** Lines of the table on the screen, and how wide each was. */
  private drawn: number[] = [];
  private drawnAt = Number.NEGATIVE_INFINITY;
  private timer: NodeJS.Timeout | undefined;
  private progress: TrainProgress | undefined;

  constructor({ quiet = false, stream = process.stderr }: { quiet?: boolean; stream?: DisplayStream } = {}) {
    this.stream = stream;
    this.isQuiet = quiet;
    this.isLive = !quiet && stream.isTTY === true;
  }

  show(event: SweepEvent): void {
    switch (event.type) {
      case "start":
        this.trialCount = event.trials.length;
        this.results = [...event.done];
        this.say(`${event.trials.length} trials, ${event.done.length} of them done already -> ${event.folder}`);
        if (this.isLive) this.timer = setInterval(() => this.draw(), TICK_MS).unref();
        break;
      case "trial-start":
        this.running.set(event.trial.id, { id: event.trial.id, epochs: event.untilEpoch });
        break;
      case "trial-progress":
        this.move(event.trial, event.progress);
        break;
      case "trial-end":
        this.end(event);
        break;
      case "rung":
        this.results = this.results.map((result) =>
          result.status === "paused" && event.pruned.includes(result.id) ? { ...result, status: "pruned" } : result,
        );
        this.say(
          `after ${counted(event.epochs, "epoch")}: ${event.kept.length} of ${counted(event.kept.length + event.pruned.length, "trial")} go on`,
        );
        break;
      case "interrupted":
      case "end":
        break;
    }
    this.draw();
  }

  /** Events of a trial that runs in this process. */
  showTraining(event: TrainEvent, trial: SweepTrial): void {
    if (!this.isLive) {
      this.progress ??= new TrainProgress({ quiet: this.isQuiet, title: trial.id });
      this.progress.show(event);
      return;
    }
    if (event.type !== "step" && event.type !== "epoch") return;
    this.move(trial, {
      epoch: event.epoch,
      loss: event.type === "step" ? event.loss : event.trainLoss,
      imagesPerSecond: event.imagesPerSecond,
      ...(event.type === "epoch" && { nmePercent: event.nmePercent }),
    });
    this.draw();
  }

  /** The connection to the server is lost, with the reason, or back. */
  connection(state: "lost" | "back", reason?: string): void {
    this.trouble = state === "lost" ? `${reason}; trying again` : undefined;
    this.say(state === "lost" ? `${reason}; trying again. Nothing is lost.` : "Redis is back");
    this.draw();
  }

  /** Takes the table away; what was said stays. */
  close(): void {
    clearInterval(this.timer);
    this.progress?.close();
    this.wipe();
  }

  /** A line that stays. */
  say(line: string): void {
    if (this.isQuiet) return;
    this.wipe();
    this.stream.write(`${line}\n`);
    this.drawnAt = Number.NEGATIVE_INFINITY;
  }

  private move({ id }: SweepTrial, progress: Partial<TrialProgress>): void {
    const before = this.running.get(id);
    // Progress of a trial that has ended may still be under way.
    if (before) this.running.set(id, { ...before, ...progress, epochs: before.epochs });
  }

  private end({ trial, result, doneCount, trialCount }: Extract<SweepEvent, { type: "trial-end" }>): void {
    this.progress?.close();
    this.progress = undefined;
    this.running.delete(trial.id);
    const isOver = result.status !== "paused";
    if (isOver) this.endedNow++;
    this.results = [...this.results.filter(({ id }) => id !== result.id), result];
    const { id, status, nmePercent, error } = result;
    const score = nmePercent === undefined ? "" : `, NME ${nmePercent.toFixed(2)} %`;
    const place = isOver ? `${doneCount}/${trialCount} ` : "";
    const state = isOver ? status : `paused after ${counted(result.epochs ?? 0, "epoch")}`;
    this.say(`${place}${id}: ${state}${score}${error === undefined ? "" : `: ${error}`}`);
  }

  private draw(): void {
    if (!this.isLive || performance.now() - this.drawnAt < REDRAW_MS) return;
    this.drawnAt = performance.now();
    this.wipe();
    const { columns, rows } = this.size();
    // The last column stays free: some terminals break the line there.
    const lines = sweepTable(this.state(), { columns: columns - 1, rows: rows - 1 });
    this.stream.write(`${lines.join("\n")}\n`);
    this.drawn = lines.map((line) => line.length);
  }

  /** Terminals that nobody gave a size say 0. */
  private size() {
    return { columns: this.stream.columns || 80, rows: this.stream.rows || 24 };
  }

  private wipe(): void {
    if (this.drawn.length === 0) return;
    const { columns } = this.size();
    // A terminal that has become narrower since has broken the lines.
    const height = this.drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    this.stream.write(`\u001b[${height}A\u001b[0J`);
    this.drawn = [];
  }

  private state(): SweepState {
    const scored = this.results.flatMap(({ id, nmePercent }) => (nmePercent === undefined ? [] : [{ id, nmePercent }]));
    return {
      trialCount: this.trialCount,
      doneCount: this.results.filter(({ status }) => status !== "paused").length,
      failedCount: this.results.filter(({ status }) => status === "failed").length,
      seconds: (performance.now() - this.started) / 1000,
      endedNow: this.endedNow,
      running: [...this.running.values()],
      best: scored.sort((a, b) => a.nmePercent - b.nmePercent),
      ...(this.trouble !== undefined && { trouble: this.trouble }),
    };
  }
}
