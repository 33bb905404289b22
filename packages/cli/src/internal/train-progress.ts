import type { TrainEvent } from "@acr/trainer";
import cliProgress from "cli-progress";
import { clock } from "./clock.js";

const FORMAT =
  "epoch {epoch}/{epochs} [{bar}] {value}/{total} | loss {loss} | NME {nme} | {speed} images/s, waiting {wait} % | {memory} MB | {left} left";

const gigabytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GB`;

/** Shows a training run on stderr: a bar on a terminal, else one line an epoch. */
export class TrainProgress {
  private bar: cliProgress.SingleBar | undefined;
  private nme = "–";
  private epochs = 0;
  private readonly quiet: boolean;
  private readonly title: string;

  constructor({ quiet, title }: { quiet: boolean; title?: string }) {
    this.quiet = quiet;
    this.title = title ? `${title}: ` : "";
  }

  show(event: TrainEvent): void {
    if (this.quiet) return;
    switch (event.type) {
      case "start":
        this.epochs = event.recipe.epochs;
        this.print(
          `${event.recipe.backbone} at ${event.recipe.imageSize} px, loss ${event.recipe.loss}, ${event.parameterCount.toLocaleString("en")} parameters, ` +
            `${event.trainCount} training and ${event.valCount} validation faces${event.skipped > 0 ? ` (${event.skipped} faulty ones skipped)` : ""}, ` +
            `${event.backend.description} -> ${event.folder}`,
        );
        this.print(`recipe: ${JSON.stringify(event.recipe)}`);
        if (event.memory.neededBytes > event.memory.availableBytes) {
          const { neededBytes, availableBytes, largestBatch } = event.memory;
          this.print(
            `warning: batch ${event.recipe.batchSize} needs about ${gigabytes(neededBytes)}, ${gigabytes(availableBytes)} are there; ${largestBatch > 0 ? `a batch of at most ${largestBatch} should fit` : "take a smaller backbone or imageSize"}`,
          );
        }
        if (event.resumedFrom) {
          const { epoch, batch, fault } = event.resumedFrom;
          this.print(
            `resumed at epoch ${epoch}, batch ${batch}${fault === undefined ? "" : `, from the checkpoint before the last: ${fault}`}`,
          );
        }
        break;
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
        this.nme = `${event.nmePercent.toFixed(2)} %`;
        this.stopBar();
        this.print(
          `epoch ${event.epoch}/${event.epochCount}: loss ${event.trainLoss.toPrecision(4)}, NME ${this.nme}, failures ${event.failureRatePercent.toFixed(2)} %, ` +
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
    const values = {
      epoch: event.epoch,
      epochs: this.epochs,
      loss: event.loss.toPrecision(4),
      nme: this.nme,
      speed: event.imagesPerSecond.toFixed(0),
      wait: event.waitPercent.toFixed(0),
      memory: event.memoryMb.toFixed(0),
      left: clock(event.secondsLeft),
    };
    if (!this.bar) {
      this.bar = new cliProgress.SingleBar(
        {
          format: this.title + FORMAT,
          stream: process.stderr,
          hideCursor: true,
          clearOnComplete: true,
          gracefulExit: false,
        },
        cliProgress.Presets.shades_classic,
      );
      this.bar.start(event.batchCount, event.batch, values);
    } else {
      this.bar.update(event.batch, values);
    }
  }

  private stopBar(): void {
    this.bar?.stop();
    this.bar = undefined;
  }

  private print(line: string): void {
    process.stderr.write(`${this.title}${line}\n`);
  }
}
