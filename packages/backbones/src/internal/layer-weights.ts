/** One array of a weights file. */
export interface SourceTensor {
  /** Short name as Keras has it without `:0`, such as `kernel`; `undefined` in Keras 3 files, which number them. */
  name: string | undefined;
  /** What it is called in the file, for errors. */
  path: string;
  /** As Keras lays it out. */
  shape: number[];
  /** Copies the numbers out of the file; only valid while the file is open. */
  read(): Float32Array;
}

/** The arrays of one layer, in Keras' order. */
export interface LayerWeights {
  /** The layer's own name; `undefined` where the file does not keep it. */
  name: string | undefined;
  /** Keras' class in snake case (`conv2d`) and the place among its kind, where the file is ordered that way. */
  kind?: { className: string; index: number };
  tensors: SourceTensor[];
}
