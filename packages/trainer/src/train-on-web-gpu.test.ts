import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BackendError } from "@acr/core";
import { webGpuEngine } from "@acr/testing";
import { backend, getBackend } from "@tensorflow/tfjs-core";
import { loadCheckpoint, runFiles, type TrainEvent, type TrainResult, train } from "./index.js";

// A software driver compiles every program for seconds.
jest.setTimeout(240_000);

const root = mkdtempSync(join(tmpdir(), "acr-web-gpu-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("train() on webgpu", () => {
  it("refuses a batch whose maps are larger than the device's buffers before the first step, and leaves no folder", async () => {
    await webGpuEngine();
    const folder = join(root, "large");
    const recipe = {
      ...{ synthetic: { trainCount: 400, valCount: 4 }, backbone: "mobilenet_v2_140", imageSize: 224, loss: "l2" },
      ...{ epochs: 1, batchSize: 400, backend: "webgpu" },
    };
    const failed = await train({ folder, recipe: recipe as never })
      .next()
      .catch((error: unknown) => error);
    expect(BackendError.isInstance(failed)).toBe(true);
    expect((failed as Error).message).toMatch(
      /^train: a step with batch 400 needs about .* GB; webgpu, .* in one tensor\. Use .*Nothing was written\.$/,
    );
    expect(existsSync(folder)).toBe(false);
  });

  it("trains, evaluates and saves without a read that blocks; a lost device leaves a checkpoint that resumes elsewhere", async () => {
    await webGpuEngine();
    const folder = join(root, "run");
    const events: TrainEvent[] = [];
    const follow = async (options: Parameters<typeof train>[0]): Promise<TrainResult> => {
      const run = train(options);
      for (;;) {
        const { done, value } = await run.next();
        if (done) return value;
        events.push(value);
        // In the middle of the second epoch.
        if (value.type === "step" && value.epoch === 2 && getBackend() === "webgpu")
          (backend() as unknown as { device: { destroy(): void } }).device.destroy();
      }
    };
    const recipe = {
      synthetic: { trainCount: 8, valCount: 4 },
      backbone: "mobilenet_v2_035",
      imageSize: 32,
      loss: "acr",
      epochs: 2,
      batchSize: 4,
      optimizer: { name: "adam", clipNorm: 1 },
      // With all the changes that the device makes of pixels.
      augmentation: "strong",
      logs: { samplesEvery: 1, histogramsEvery: 0, everySteps: 1 },
      backend: "webgpu",
    } as const;
    const failed = await follow({ folder, recipe: recipe as never }).catch((error: unknown) => error);
    expect((failed as Error).message).toMatch(/^webgpu: the graphics device was lost.*checkpoint is not.*resume/);
    expect(BackendError.isInstance(failed)).toBe(true);
    const lossesOf = (list: TrainEvent[]) =>
      list.flatMap((event) => (event.type === "step" && event.epoch === 1 ? [event.loss] : []));
    const onDevice = lossesOf(events);

    const [epoch] = events.filter((event) => event.type === "epoch");
    expect(epoch).toMatchObject({ epoch: 1 });
    expect(Number.isFinite((epoch as { nmePercent: number }).nmePercent)).toBe(true);

    const { step, epoch: passed, arrays } = await loadCheckpoint(runFiles(folder).checkpoint);
    expect([step, passed]).toEqual([2, 1]);
    expect(Object.values(arrays).every((array) => array.every(Number.isFinite))).toBe(true);
    // As somebody would who goes on with it on another machine.
    const file = runFiles(folder).recipe;
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), backend: "wasm", threads: 1 }));
    const { finished, history } = await follow({ folder, resume: true });
    expect([finished, history.length]).toEqual([true, 2]);

    // The same pixels as from the loader on another engine.
    events.length = 0;
    await follow({
      folder: join(root, "wasm"),
      pixelsOnDevice: false,
      recipe: { ...recipe, epochs: 1, backend: "wasm", threads: 1 } as never,
    });
    const expected = lossesOf(events);
    expect(onDevice).toHaveLength(2);
    onDevice.forEach((loss, i) => expect(Math.abs(loss / expected[i]! - 1)).toBeLessThan(1e-4));
  });
});
