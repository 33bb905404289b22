import type { Random } from "@acr/core";
import type { CameraEffects } from "./face-parameters.js";
import { hashBits } from "./hash-noise.js";

/** Separable Gaussian blur of three interleaved channels. */
function blur(image: Float32Array, size: number, deviation: number): void {
  const radius = Math.max(1, Math.ceil(deviation * 2.2));
  const weights = Float32Array.from({ length: radius + 1 }, (_, k) => Math.exp(-(k * k) / (2 * deviation * deviation)));
  const total = weights.reduce((sum, weight, k) => sum + (k === 0 ? weight : 2 * weight), 0);
  const line = new Float32Array(size);
  for (const [step, stride] of [
    [3, size * 3],
    [size * 3, 3],
  ] as const) {
    for (let row = 0; row < size; row++) {
      for (let c = 0; c < 3; c++) {
        const start = row * stride + c;
        for (let k = 0; k < size; k++) line[k] = image[start + k * step]!;
        for (let k = 0; k < size; k++) {
          let sum = line[k]! * weights[0]!;
          for (let j = 1; j <= radius; j++) {
            sum += weights[j]! * (line[Math.max(0, k - j)]! + line[Math.min(size - 1, k + j)]!);
          }
          image[start + k * step] = sum / total;
        }
      }
    }
  }
}

/** Basis of the 8-point cosine transform, orthonormal, by frequency and place. */
const COSINE = Float32Array.from({ length: 64 }, (_, at) => {
  const [frequency, place] = [at >> 3, at & 7];
  return (frequency === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * place + 1) * frequency * Math.PI) / 16);
});

/** What a coarse JPEG does: 8 × 8 blocks of luma rounded in the cosine domain, chroma averaged over 4 × 4 pixels. */
function blockLoss(image: Float32Array, size: number, step: number): void {
  const block = new Float32Array(64);
  const half = new Float32Array(64);
  for (let by = 0; by + 8 <= size; by += 8) {
    for (let bx = 0; bx + 8 <= size; bx += 8) {
      const chroma = new Float32Array(3 * 4);
      for (let k = 0; k < 64; k++) {
        const at = ((by + (k >> 3)) * size + bx + (k & 7)) * 3;
        const luma = 0.299 * image[at]! + 0.587 * image[at + 1]! + 0.114 * image[at + 2]!;
        block[k] = luma;
        const cell = ((k >> 5) * 2 + ((k & 7) >> 2)) * 3;
        for (let c = 0; c < 3; c++) chroma[cell + c] = chroma[cell + c]! + (image[at + c]! - luma) / 16;
      }
      for (let pass = 0; pass < 2; pass++) {
        for (let u = 0; u < 8; u++) {
          for (let i = 0; i < 8; i++) {
            let sum = 0;
            for (let k = 0; k < 8; k++) sum += COSINE[u * 8 + k]! * block[i * 8 + k]!;
            half[u * 8 + i] = sum;
          }
        }
        block.set(half);
      }
      for (let k = 0; k < 64; k++) {
        const quantum = (step / 255) * (1 + 0.5 * ((k >> 3) + (k & 7)));
        block[k] = Math.round(block[k]! / quantum) * quantum;
      }
      for (let pass = 0; pass < 2; pass++) {
        for (let i = 0; i < 8; i++) {
          for (let k = 0; k < 8; k++) {
            let sum = 0;
            for (let u = 0; u < 8; u++) sum += COSINE[u * 8 + k]! * block[i * 8 + u]!;
            half[k * 8 + i] = sum;
          }
        }
        block.set(half);
      }
      for (let k = 0; k < 64; k++) {
        const at = ((by + (k >> 3)) * size + bx + (k & 7)) * 3;
        const cell = ((k >> 5) * 2 + ((k & 7) >> 2)) * 3;
        for (let c = 0; c < 3; c++) image[at + c] = block[k]! + chroma[cell + c]!;
      }
    }
  }
}

/** Entries of the tone curve; its argument runs from 0 to `TONE_RANGE`. */
const TONE_STEPS = 1024;
const TONE_RANGE = 1.2;

/** Tone, lens, sensor and codec: from linear parts in [0, 1] to bytes. Changes `image`. */
export function applyCameraEffects(
  image: Float32Array,
  size: number,
  effects: CameraEffects,
  random: Random,
): Uint8Array {
  const { gamma, contrast, brightness, balance, saturation } = effects;
  const curve = new Float32Array(TONE_STEPS + 2);
  for (let k = 0; k < curve.length; k++) {
    curve[k] = (((k * TONE_RANGE) / TONE_STEPS) ** gamma - 0.5) * contrast + 0.5 + brightness;
  }
  const perUnit = TONE_STEPS / TONE_RANGE;
  // Written out: a helper that returns a number would put each of them on the heap.
  for (let at = 0; at < image.length; at += 3) {
    const grey = ((image[at]! + image[at + 1]! + image[at + 2]!) / 3) * (1 - saturation);
    for (let c = 0; c < 3; c++) {
      const value = (grey + image[at + c]! * saturation) * balance[c]! * perUnit;
      const place = Math.min(TONE_STEPS, Math.max(0, value));
      const step = place | 0;
      const low = curve[step]!;
      image[at + c] = low + (curve[step + 1]! - low) * (place - step);
    }
  }
  if (effects.blurPixels > 0) blur(image, size, effects.blurPixels);
  if (effects.noise > 0) {
    const seed = random.integer(1 << 30);
    // The sum of two uniform values is close enough to a bell; its deviation is 1/√6.
    const amplitude = (effects.noise / 255) * Math.sqrt(6);
    for (let at = 0; at < image.length; at++) {
      const bits = hashBits(at, 1, seed);
      image[at] = image[at]! + amplitude * (((bits & 0xffff) + (bits >>> 16)) / 65536 - 1);
    }
  }
  if (effects.blockStep > 0) blockLoss(image, size, effects.blockStep);
  const bytes = new Uint8Array(image.length);
  for (let at = 0; at < image.length; at++) {
    bytes[at] = Math.min(255, Math.max(0, image[at]! * 255 + 0.5));
  }
  return bytes;
}
