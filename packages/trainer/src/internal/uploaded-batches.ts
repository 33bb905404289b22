import type { Batch } from "@acr/datasets";
import { pixelsToTensor } from "@acr/kernels";
import type { Tensor4D } from "@tensorflow/tfjs-core";

/** A batch whose pictures are on the device. */
export interface UploadedBatch {
  batch: Batch;
  /** `[B, H, W, 3]` float32; released when the next batch is asked for. */
  pictures: Tensor4D;
}

/**
 * Takes batches to the device. With `ahead` the next one is asked for, and sent as soon as it is there, while the consumer
 * works on the one before: two are on the device then, and a device that computes by itself does not wait for the transfer.
 * A failure is reported when its batch is due.
 */
export async function* uploadedBatches(
  batches: AsyncGenerator<Batch>,
  { ahead }: { ahead: boolean },
): AsyncGenerator<UploadedBatch> {
  const take = async (): Promise<UploadedBatch | undefined> => {
    const { done, value: batch } = await batches.next();
    if (done) return undefined;
    const { images, changes, size, imageSize } = batch;
    const pictures = pixelsToTensor(images, [size, imageSize, imageSize, 3], changes ? { changes } : {});
    return { batch, pictures };
  };
  let next: Promise<UploadedBatch | undefined> | undefined;
  try {
    for (;;) {
      const current = await (next ?? take());
      next = undefined;
      if (!current) return;
      try {
        if (ahead) {
          next = take();
          next.catch(() => {});
        }
        yield current;
      } finally {
        current.pictures.dispose();
      }
    }
  } finally {
    (await next?.catch(() => undefined))?.pictures.dispose();
    await batches.return(undefined);
  }
}
