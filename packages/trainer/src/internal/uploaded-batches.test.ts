import { setupBackend } from "@acr/backend";
import { packPixelChanges } from "@acr/core";
import type { Batch } from "@acr/datasets";
import { memory } from "@tensorflow/tfjs-core";
import { uploadedBatches } from "./uploaded-batches.js";

beforeAll(() => setupBackend({ prefer: ["wasm"], threads: 1 }));

const SIZE = 2;
const COUNT = 4;

/** Batches of one grey picture, the level of the first is 0; `asked` counts. */
function source({ failsAt = COUNT }: { failsAt?: number } = {}) {
  const state = { asked: 0, isClosed: false };
  async function* batches(): AsyncGenerator<Batch> {
    try {
      for (let index = 0; index < COUNT; index++) {
        state.asked++;
        if (index === failsAt) throw new Error("cannot be read");
        const images = new Uint8Array(SIZE * SIZE * 3).fill(index);
        yield { size: 1, index, imageSize: SIZE, images } as Batch;
      }
    } finally {
      state.isClosed = true;
    }
  }
  return { state, batches: batches() };
}

describe("uploadedBatches(batches, { ahead })", () => {
  it.each([false, true])("gives every batch once, in order, and releases all (ahead: %s)", async (ahead) => {
    const before = memory().numTensors;
    const { state, batches } = source();
    const seen: number[] = [];
    for await (const { batch, pictures } of uploadedBatches(batches, { ahead })) {
      await new Promise((resolve) => setImmediate(resolve));
      const isLast = batch.index === COUNT - 1;
      expect(memory().numTensors - before).toBe(ahead && !isLast ? 2 : 1);
      expect(state.asked).toBe(Math.min(COUNT, batch.index + (ahead ? 2 : 1)));
      seen.push((await pictures.data())[0]!);
    }
    expect(seen).toEqual([0, 1, 2, 3]);
    expect(memory().numTensors).toBe(before);
    expect(state.isClosed).toBe(true);
  });

  it.each([false, true])("releases what is on the way where the consumer stops (ahead: %s)", async (ahead) => {
    const before = memory().numTensors;
    const { state, batches } = source();
    for await (const { batch } of uploadedBatches(batches, { ahead })) if (batch.index === 1) break;
    expect(memory().numTensors).toBe(before);
    expect(state.isClosed).toBe(true);
  });

  it("reports a failure when its batch is due, not before", async () => {
    const before = memory().numTensors;
    const seen: number[] = [];
    const run = async () => {
      for await (const { batch } of uploadedBatches(source({ failsAt: 2 }).batches, { ahead: true })) {
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(batch.index);
      }
    };
    await expect(run()).rejects.toThrow("cannot be read");
    expect(seen).toEqual([0, 1]);
    expect(memory().numTensors).toBe(before);
  });

  it("has the device make the changes that a batch carries", async () => {
    async function* one(): AsyncGenerator<Batch> {
      const images = Uint8Array.from([200, 100, 50]);
      yield { size: 1, index: 0, imageSize: 1, images, changes: packPixelChanges([{ grey: true }]) } as Batch;
    }
    for await (const { pictures } of uploadedBatches(one(), { ahead: true }))
      expect([...(await pictures.data())]).toEqual([124, 124, 124]);
  });
});
