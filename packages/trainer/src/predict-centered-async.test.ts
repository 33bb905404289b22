import "@tensorflow/tfjs-backend-cpu";
import { getLandmarkScheme } from "@acr/core";
import { expectNoTensorLeak } from "@acr/testing";
import { setBackend } from "@tensorflow/tfjs-core";
import { layers, sequential } from "@tensorflow/tfjs-layers";
import { predictCentered, predictCenteredAsync } from "./index.js";

const SIZE = 8;
const scheme = getLandmarkScheme("cofw29");

describe("predictCenteredAsync(model, images, options)", () => {
  beforeAll(() => setBackend("cpu"));
  const model = () =>
    sequential({
      layers: [
        layers.globalAveragePooling2d({ inputShape: [SIZE, SIZE, 3] }),
        layers.dense({ units: 2 * scheme.landmarkCount }),
        layers.reshape({ targetShape: [scheme.landmarkCount, 2] }),
      ],
    });
  const images = Uint8Array.from({ length: 2 * SIZE * SIZE * 3 }, (_, i) => (i * 37) % 256);

  it.each([false, true])("gives what predictCentered gives, flip test %s, and leaks nothing", async (flipTest) => {
    const net = model();
    const options = { imageSize: SIZE, scheme, flipTest };
    await expectNoTensorLeak(async () => {
      const flat = await predictCenteredAsync(net, images, options);
      expect([...flat]).toEqual([...predictCentered(net, images, options)]);
      expect(flat).toHaveLength(2 * 2 * scheme.landmarkCount);
    });
    net.dispose();
  });

  it("refuses images that are no whole crops, in its own name", async () => {
    const net = model();
    await expect(predictCenteredAsync(net, images.subarray(1), { imageSize: SIZE, scheme })).rejects.toThrow(
      /^predictCenteredAsync: images must hold whole crops/,
    );
    net.dispose();
  });
});
