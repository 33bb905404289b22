import type { Variable } from "@tensorflow/tfjs-core";
import type { Recipe } from "../recipe.js";
import { runFiles } from "../run-folder.js";
import { type HyperparameterValue, TensorBoardWriter } from "../tensorboard-writer.js";
import type { EpochMetrics } from "../train-event.js";

/** Tags to compare runs by. */
const COMPARED = ["validation/nme_percent", "validation/failure_rate_percent", "validation/auc", "train/loss"];

/** Writes the TensorBoard files of a run; does nothing where the recipe wants none. */
export class RunLog {
  private constructor(
    private readonly writer: TensorBoardWriter | undefined,
    private readonly recipe: Recipe,
  ) {}

  static async open(folder: string, recipe: Recipe, resumedAtBatch: number | undefined): Promise<RunLog> {
    if (!recipe.logs.tensorboard) return new RunLog(undefined, recipe);
    const writer = await TensorBoardWriter.open(runFiles(folder).logs);
    if (resumedAtBatch === undefined)
      writer.text("recipe", `\`\`\`json\n${JSON.stringify(recipe, null, 2)}\n\`\`\``, 0);
    else writer.restart(resumedAtBatch);
    writer.hyperparameters(flatten(recipe), COMPARED);
    await writer.flush();
    return new RunLog(writer, recipe);
  }

  /** @param batch - batches of the whole run so far. */
  step(batch: number, loss: number, learningRate: number): void {
    if (!this.writer || batch % this.recipe.logs.everySteps !== 0) return;
    this.writer.scalar("train/batch_loss", loss, batch);
    this.writer.scalar("train/learning_rate", learningRate, batch);
  }

  async epoch(batch: number, metrics: EpochMetrics, variables: ReadonlyMap<string, Variable>): Promise<void> {
    const { writer } = this;
    if (!writer) return;
    writer.scalar("train/loss", metrics.trainLoss, batch);
    writer.scalar("validation/nme_percent", metrics.nmePercent, batch);
    writer.scalar("validation/failure_rate_percent", metrics.failureRatePercent, batch);
    writer.scalar("validation/auc", metrics.auc, batch);
    writer.scalar("speed/images_per_second", metrics.imagesPerSecond, batch);
    writer.scalar("speed/wait_percent", metrics.waitPercent, batch);
    if (metrics.modes !== undefined) writer.scalar("train/smooth_face_modes", metrics.modes, batch);
    const { histogramsEvery } = this.recipe.logs;
    if (histogramsEvery > 0 && metrics.epoch % histogramsEvery === 0) {
      for (const [name, variable] of variables)
        writer.histogram(`weights/${name.replace(/^\d+:/, "")}`, await variable.data(), { step: batch });
    }
    await writer.flush();
  }

  samples(batch: number, png: Uint8Array, size: { width: number; height: number }): void {
    this.writer?.image("validation/predictions", png, { step: batch, ...size });
  }

  async close(status: "success" | "failure"): Promise<void> {
    this.writer?.endSession(status);
    await this.writer?.close();
  }
}

/** Nested fields as `a.b`, lists as JSON: what hyperparameters can be. */
function flatten(value: object, prefix = ""): Record<string, HyperparameterValue> {
  const flat: Record<string, HyperparameterValue> = {};
  for (const [key, field] of Object.entries(value)) {
    if (field === undefined) continue;
    if (typeof field === "object" && field !== null && !Array.isArray(field))
      Object.assign(flat, flatten(field, `${prefix}${key}.`));
    else flat[prefix + key] = typeof field === "object" ? JSON.stringify(field) : (field as HyperparameterValue);
  }
  return flat;
}
