import { createRandom, type Random } from "@acr/core";
import { mul, type Tensor, tensor, tidy } from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";

/** Options of `Dropout`. */
interface DropoutOptions {
  name: string;
  rate: number;
  /** Shape of the mask; null takes the input's side. */
  noiseShape?: (number | null)[];
  maskSeed: number;
}

/**
 * tfjs' Dropout with a mask that is seeded and yet differs from step to step: the stock layer gives the same mask at
 * every step when seeded and an unrepeatable one when not. It is saved as a stock Dropout without a seed.
 */
export class Dropout extends layers.Layer {
  static className = "Dropout";
  override readonly supportsMasking = true;
  private readonly rate: number;
  private readonly noiseShape: (number | null)[] | undefined;
  private readonly seed: number;
  private random: Random;

  constructor({ name, rate, noiseShape, maskSeed }: DropoutOptions) {
    super({ name });
    this.rate = rate;
    this.noiseShape = noiseShape;
    this.seed = maskSeed;
    this.random = createRandom(maskSeed);
  }

  /** Makes the next masks depend on the seed and this number only, so that a resumed training repeats them. */
  setStep(step: number): void {
    this.random = createRandom(this.seed).fork("step", step);
  }

  override call(inputs: Tensor | Tensor[], kwargs: { training?: boolean }): Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    if (!kwargs?.training || this.rate === 0) return x.clone();
    return tidy(() => {
      const shape = (this.noiseShape ?? x.shape).map((side, axis) => side ?? x.shape[axis]!);
      const scale = 1 / (1 - this.rate);
      const mask = new Float32Array(shape.reduce((a, b) => a * b, 1));
      for (let i = 0; i < mask.length; i++) mask[i] = this.random.chance(this.rate) ? 0 : scale;
      return mul(x, tensor(mask, shape));
    });
  }

  override computeOutputShape(inputShape: (number | null)[]): (number | null)[] {
    return inputShape;
  }

  override getConfig() {
    return { ...super.getConfig(), rate: this.rate, noiseShape: this.noiseShape ?? null, seed: null };
  }
}
