import { InvalidArgumentError } from "@acr/core";
import { getBackbonePreset } from "./get-backbone-preset.js";

test("getBackbonePreset(name) tells how pixels become input", () => {
  const { preprocess, inputSize, featureCount } = getBackbonePreset("mobilenet_v2_140");
  expect([0, 255].map((pixel) => pixel * preprocess.scale + preprocess.offset)).toEqual([-1, 1]);
  expect({ inputSize, featureCount }).toEqual({ inputSize: 224, featureCount: 1792 });
  expect(getBackbonePreset("efficientnet_b0").preprocess).toEqual({ scale: 1, offset: 0 });
});

test("getBackbonePreset(name) throws with the nearest names", () => {
  expect(() => getBackbonePreset("efficientnet-b9")).toThrow(InvalidArgumentError);
  expect(() => getBackbonePreset("efficientnet-b9")).toThrow(/Nearest names: efficientnet_b/);
});
