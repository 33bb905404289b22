import { InvalidArgumentError } from "@acr/core";
import { getBackbonePreset } from "./get-backbone-preset.js";

test("getBackbonePreset(name) tells how pixels become input", () => {
  const { preprocess, inputSize, featureCount } = getBackbonePreset("mobilenet_v2_140");
  expect(preprocess).toEqual({ scale: 1 / 127.5, offset: -1 });
  expect({ inputSize, featureCount }).toEqual({ inputSize: 224, featureCount: 1792 });
  expect(getBackbonePreset("efficientnet_b0").preprocess).toEqual({ scale: 1, offset: 0 });
});

test("getBackbonePreset(name) gives ResNet ImageNet's mean and deviation, as torchvision and Keras do", () => {
  const { scale, offset } = getBackbonePreset("resnet_18").preprocess as { scale: number[]; offset: number[] };
  const mean = [0.485, 0.456, 0.406];
  for (const [c, value] of mean.entries()) expect(255 * value * scale[c]! + offset[c]!).toBeCloseTo(0, 12);
  expect(getBackbonePreset("resnet_50").preprocess).toEqual({
    scale: 1,
    offset: [-103.939, -116.779, -123.68],
    order: "bgr",
  });
});

test("getBackbonePreset(name) throws with the nearest names", () => {
  expect(() => getBackbonePreset("efficientnet-b9")).toThrow(InvalidArgumentError);
  expect(() => getBackbonePreset("efficientnet-b9")).toThrow(/Nearest names: efficientnet_b/);
});
