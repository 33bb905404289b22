import { registrations } from "./registry.js";

/** Layers behind the features: PyTorch's and Keras' classifiers, and the heads here. */
const isHead = (name: string) =>
  /(^|\.)(classifier|fc|head|conv_head)(\.\d+)?$|^(predictions|logits|probs|fc1000|conv_2|head_.*|landmarks|preprocess)$/i.test(
    name,
  );
/** Mean, variance and count of EfficientNet's normalisation, which PyTorch's files lack. */
const NORMALIZATION = 7;

/** Backbones whose parameters are as many as those of a file, without what follows the features. */
export function backbonesOfSize(layers: readonly { name: string; size: number }[], isTorch: boolean): string[] {
  const total = (isLeftOut: (name: string) => boolean) =>
    layers.reduce((sum, { name, size }) => (isLeftOut(name) ? sum : sum + size), 0);
  // timm's MobileNetV3 has a `conv_head` behind the features, its other networks one in front.
  const sizes = [total(isHead), total((name) => isHead(name) && name !== "conv_head")];
  return registrations()
    .filter(({ preset: { name, parameterCount } }) => {
      const inFile = isTorch && /^efficientnet_b/.test(name) ? parameterCount - NORMALIZATION : parameterCount;
      return sizes.includes(inFile);
    })
    .map(({ preset }) => preset.name);
}
