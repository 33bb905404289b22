import type { TrainEvent } from "@acr/trainer";
import cliProgress from "cli-progress";
import { clock } from "./clock.js";
import { type ProgressState, progressLine } from "./progress-line.js";

const gigabytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GB`;

/** Shows a training run on stderr: a bar on a terminal, else one line an epoch. */
export class TrainProgress {
  private bar: cliProgress.SingleBar | undefined;
  private nmePercent: number | undefined;
  private epochs = 0;
  private readonly quiet: boolean;
  private readonly title: string | undefined;

  constructor({ quiet, title }: { quiet: boolean; title?: string }) {
    this.quiet = quiet;
    this.title = title;
  }

  show(event: TrainEvent): void {
    if (this.quiet) return;
    switch (event.type) {
      case "start": {
        this.epochs = event.recipe.epochs;
        this.print(
          `${event.recipe.backbone} at ${event.recipe.imageSize} px, loss ${event.recipe.loss}, ${event.parameterCount.toLocaleString("en")} parameters, ` +
            `${event.trainCount} training and ${event.valCount} validation faces${event.skipped > 0 ? ` (${event.skipped} faulty ones skipped)` : ""}, ` +
            `${event.backend.description} -> ${event.folder}`,
        );
        this.print(`recipe: ${JSON.stringify(event.recipe)}`);
        const { neededBytes, availableBytes, largestBatch } = event.memory;
        if (availableBytes !== null && neededBytes > availableBytes) {
          this.print(
            `warning: batch ${event.recipe.batchSize} needs about ${gigabytes(neededBytes)}, ${gigabytes(availableBytes)} are there; ${largestBatch! > 0 ? `a batch of at most ${largestBatch} should fit` : "take a smaller backbone or imageSize"}`,
          );
        }
        if (event.resumedFrom) {
          const { epoch, batch, fault } = event.resumedFrom;
          this.print(
            `resumed at epoch ${epoch}, batch ${batch}${fault === undefined ? "" : `, from the checkpoint before the last: ${fault}`}`,
          );
        }
        break;
      }
      case "stage":
        this.stopBar();
        this.print(
          `epoch ${event.epoch}: the smooth face now has ${event.modes} of ${event.modeCount} modes (${(event.fraction * 100).toFixed(0)} %)`,
        );
        break;
      case "fault":
        this.stopBar();
        this.print(`epoch ${event.epoch}, ${event.stage}: left out: ${event.file}: ${event.message}`);
        break;
      case "step":
        this.step(event);
        break;
      case "epoch":
        this.nmePercent = event.nmePercent;
        this.stopBar();
        this.print(
          `epoch ${event.epoch}/${event.epochCount}: loss ${event.trainLoss.toPrecision(4)}, NME ${event.nmePercent.toFixed(2)} %, failures ${event.failureRatePercent.toFixed(2)} %, ` +
            `${event.imagesPerSecond.toFixed(0)} images/s (waiting ${event.waitPercent.toFixed(0)} %), ${clock(event.seconds)} elapsed${event.isBest ? ", best so far" : ""}`,
        );
        break;
      case "early-stop":
        this.print(
          `stopped early: no better NME than ${event.best.nmePercent.toFixed(2)} % since epoch ${event.best.epoch}`,
        );
        break;
      case "interrupted":
        this.stopBar();
        this.print(
          `interrupted; continue with: acr train --resume --out ${event.checkpoint.replace(/[/\\]checkpoint[/\\][^/\\]*$/, "")}`,
        );
        break;
      case "checkpoint":
      case "samples":
      case "end":
        break;
    }
  }

  close(): void {
    this.stopBar();
  }

  private step(event: Extract<TrainEvent, { type: "step" }>): void {
    if (!process.stderr.isTTY) return;
    const state: Omit<ProgressState, "batch" | "batchCount"> = {
      title: this.title,
      epoch: event.epoch,
      epochCount: this.epochs,
      loss: event.loss,
      ...(this.nmePercent !== undefined && { nmePercent: this.nmePercent }),
      imagesPerSecond: event.imagesPerSecond,
      waitPercent: event.waitPercent,
      memoryMb: event.memoryMb,
      secondsLeft: event.secondsLeft,
    };
    if (!this.bar) {
      this.bar = new cliProgress.SingleBar({
        // Asked anew each time: the terminal may have another width by now. Its last column stays free.
        format: (_, { value, total }, payload) =>
          progressLine(
            { ...(payload as ProgressState), batch: value, batchCount: total },
            (process.stderr.columns || 80) - 1,
          ),
        stream: process.stderr,
        hideCursor: true,
        clearOnComplete: true,
        gracefulExit: false,
      });
      this.bar.start(event.batchCount, event.batch, state);
    } else {
      this.bar.update(event.batch, state);
    }
  }

  private stopBar(): void {
    this.bar?.stop();
    this.bar = undefined;
  }

  private print(line: string): void {
    process.stderr.write(`${this.title ? `${this.title}: ` : ""}${line}\n`);
  }
}
