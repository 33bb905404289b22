/** What is known of a backbone before it is built. */
export interface BackbonePreset {
  /** Name for `createBackbone`. */
  name: string;
  /** Side of the pictures it was designed for, pixels. */
  inputSize: number;
  /**
   * What maps pixels 0–255 to the backbone's input: `value * scale + offset`, per channel (of the result) where lists are given;
   * with `order: "bgr"` the channels are turned round first. EfficientNet does it inside and has scale 1, offset 0.
   */
  preprocess: { scale: number | readonly number[]; offset: number | readonly number[]; order?: "bgr" };
  /** Channels of the last feature map, and length of the pooled features. */
  featureCount: number;
  /** Parameters without a head, as Keras counts them where it has the model (EfficientNet B0–B7: one more than the model here holds). */
  parameterCount: number;
  /** Where it was published. */
  paper: string;
}
