import { createLandmarkModel } from "@acr/backbones";
import { FusedAdam, optimizeForTraining } from "@acr/kernels";
import { l2Loss } from "@acr/loss";
import { randomUniform, type Scalar, type Tensor, tidy, type Variable, variableGrads } from "@tensorflow/tfjs-core";

/** What to time. */
export interface BenchmarkOptions {
  backbone: string;
  imageSize: number;
  batchSize: number;
  /** Timed steps. Before them at least two, and as many as a second holds, are not timed: engines compile while they run. */
  steps: number;
  mode: "train" | "infer";
}

/** Medians over the timed steps, in milliseconds per image. */
export interface BenchmarkResult extends BenchmarkOptions {
  millisecondsPerImage: number;
  /**
   * What passes until forward, backward and optimizer are asked for. On engines that compute beside JavaScript (`webgpu`, and
   * `tensorflow` with its queue) the work itself lands in a later part; only the sum is a measure there.
   */
  forward: number;
  backward: number;
  optimizer: number;
  /** Peak resident memory of the process. */
  peakMemoryMb: number;
}

const WARM_UP_STEPS = 2;
const WARM_UP_MS = 1000;
const LANDMARK_COUNT = 68;

/**
 * Times real training or inference steps of a landmark model on random data, on the current backend.
 *
 * @example const { millisecondsPerImage } = await benchmarkStep({ backbone: "mobilenet_v2_050", imageSize: 112, batchSize: 16, steps: 10, mode: "train" });
 */
export async function benchmarkStep(options: BenchmarkOptions): Promise<BenchmarkResult> {
  const { backbone, imageSize, batchSize, steps, mode } = options;
  const model = createLandmarkModel({ backbone, imageSize, landmarkCount: LANDMARK_COUNT, head: "gap", seed: 1 });
  const fused = optimizeForTraining(model);
  const adam = new FusedAdam({ learningRate: 1e-4 });
  const variables = model.trainableWeights.map((weight) => weight.read() as Variable);
  const x = randomUniform([batchSize, imageSize, imageSize, 3], 0, 255, "float32", 1);
  const y = randomUniform([batchSize, LANDMARK_COUNT, 2], -0.5, 0.5, "float32", 2);
  const times: { forward: number; backward: number; optimizer: number; total: number }[] = [];
  try {
    const begun = performance.now();
    let untimed = 0;
    while (times.length < steps) {
      const started = performance.now();
      let forward = started;
      let backward = started;
      const result = tidy(() => {
        if (mode === "infer") return fused.apply(x, { training: false }) as Tensor;
        const { value, grads } = variableGrads(() => {
          const loss = l2Loss(fused.apply(x, { training: true }) as Tensor, y) as Scalar;
          forward = performance.now();
          return loss;
        }, variables);
        backward = performance.now();
        adam.applyGradients(grads);
        return value;
      });
      await result.data();
      result.dispose();
      const ended = performance.now();
      if (mode === "infer") forward = backward = ended;
      if (untimed < WARM_UP_STEPS || started - begun < WARM_UP_MS) {
        untimed++;
        continue;
      }
      times.push({
        forward: forward - started,
        backward: backward - forward,
        optimizer: ended - backward,
        total: ended - started,
      });
    }
  } finally {
    x.dispose();
    y.dispose();
    adam.dispose();
    model.dispose();
  }
  const median = (key: keyof (typeof times)[number]) => {
    const sorted = times.map((time) => time[key] / batchSize).sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  };
  return {
    ...options,
    millisecondsPerImage: median("total"),
    forward: median("forward"),
    backward: median("backward"),
    optimizer: median("optimizer"),
    peakMemoryMb: process.resourceUsage().maxRSS / 1024,
  };
}
