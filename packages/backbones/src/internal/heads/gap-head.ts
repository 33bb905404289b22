import { tensor1d, zeros } from "@tensorflow/tfjs-core";
import { layers, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import type { LandmarkHead } from "./landmark-head.js";

/** The paper's head: global average pooling, dropout, one linear layer that starts at the mean shape. */
export const gapHead: LandmarkHead = {
  marker: "head_dense",
  auxiliaryWeight: 0,
  build({ graph, maps, landmarkCount, dropout, meanShape, poolingName }) {
    const units = 2 * landmarkCount;
    let x = layers.globalAveragePooling2d({ name: poolingName }).apply(maps[maps.length - 1]!) as SymbolicTensor;
    const featureCount = x.shape[1]!;
    if (dropout > 0) x = graph.dropout(x, "head_dropout", dropout);
    const dense = layers.dense({
      name: "head_dense",
      units,
      kernelInitializer: "zeros",
      biasInitializer: "zeros",
    });
    x = dense.apply(x) as SymbolicTensor;
    if (meanShape) {
      const kernel = zeros([featureCount, units]);
      const bias = tensor1d([...meanShape]);
      dense.setWeights([kernel, bias]);
      kernel.dispose();
      bias.dispose();
    }
    return layers.reshape({ name: "landmarks", targetShape: [landmarkCount, 2] }).apply(x) as SymbolicTensor;
  },
};
