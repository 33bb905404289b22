/**
 * A step of this project's engine on random data, in Node and in a page: training (forward, backward, Adam) or inference.
 *
 * @param modules - `tf` and what is used of the packages, so that the caller says which checkout they come from.
 * @returns runs one step and gives the loss, or the first output.
 */
export function createStep(modules, { backbone, size, batch, mode }) {
  const { tf, createLandmarkModel, FusedAdam, optimizeForTraining, l2Loss } = modules;
  const model = createLandmarkModel({ backbone, imageSize: size, landmarkCount: 68, head: "gap", seed: 1 });
  const fused = optimizeForTraining(model);
  const variables = model.trainableWeights.map((weight) => weight.read());
  const adam = new FusedAdam({ learningRate: 1e-4 });
  const x = tf.randomUniform([batch, size, size, 3], 0, 255, "float32", 1);
  const y = tf.randomUniform([batch, 68, 2], -0.5, 0.5, "float32", 2);
  return async () => {
    const result = tf.tidy(() => {
      if (mode === "infer") return fused.apply(x, { training: false });
      const { value, grads } = tf.variableGrads(() => l2Loss(fused.apply(x, { training: true }), y), variables);
      adam.applyGradients(grads);
      return value;
    });
    const [first] = await result.data();
    result.dispose();
    return first;
  };
}
