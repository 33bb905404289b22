import { type BindingEdits, QUEUE_EDITS } from "./binding-edits.js";

const TENSORFLOW_VERSION = "2.18.1";
const TFJS_NODE_VERSION = "4.22.0";
const GIGABYTE = 2 ** 30;

/** CUDA 12 runs on drivers from this one on (NVIDIA, CUDA compatibility table). */
export const MINIMUM_DRIVER = "525.60.13";

/** An npm tarball, by its sha512 as npm writes it. */
export interface NpmSource {
  name: string;
  version: string;
  file: string;
  integrity: string;
}

/** What is installed, and how each part of it is known to be genuine. */
export interface TensorFlowRelease {
  tensorflow: string;
  /** By sha256. No Python runs: only the C++ libraries are used, which are the same for every Python. */
  wheels: Readonly<Record<string, string>>;
  /** Requirement and sha256 of the libraries that the CUDA wheel needs, Linux x64. */
  cuda: readonly (readonly [string, string])[];
  tfjsNode: NpmSource;
  /** For that version of tfjs-node. */
  edits: BindingEdits;
  headers: NpmSource;
  /** Free disk: wheels and what is taken out of them lie side by side for a while. */
  neededBytes: { cpu: number; cuda: number };
}

const WHEELS: TensorFlowRelease["wheels"] = {
  efdfcd4be9fca0f8521cbfc241fdbf8327b73d854c5e274d17d6a77ca44eeaca: "tensorflow_cpu cp39 x86_64",
  "357506565b05154b4b1fa5f94cd2b34c74d8a6ed64091385a71c990626321164": "tensorflow_cpu cp310 x86_64",
  "810c75d7149d2da0cb2092187817b0dcabb80728ca9f9cf3a61f3f42fadd1298": "tensorflow_cpu cp311 x86_64",
  "8e0f27dbd92c6d380ae0ccfe73c7343f65c127b0aa98467c30c2e71eda7c76a4": "tensorflow_cpu cp312 x86_64",
  "4ecbb9b3cd3f223ff6861faa1a4c2719c138d870dba90545826685b1c5ba5901": "tensorflow cp39 x86_64",
  "1f929842999d60e7da67743ae5204b477259f3b771c02e5e437d232267e49f18": "tensorflow cp310 x86_64",
  c9f87e5d2a680a4595f5dc30daf6bbaec9d4129b46d7ef1b2af63c46ac7d2828: "tensorflow cp311 x86_64",
  "442d2a774811789a8ad948e7286cb950fe3d87d3754e8cc6449d53b03dbfdaa6": "tensorflow cp312 x86_64",
  "1c0cd29c323908ed35ce72fbcce66f2ef7c8657f9c5024860ffd7ea64cf5d35d": "tensorflow cp39 aarch64",
  "2dd7284768f5a6b10e41a700e8141de70756dc62ed5d0b93360d131ccc0a6ba8": "tensorflow cp310 aarch64",
  "8a6485edd2148f70d011dbd1d8dc2c775e91774a5a159466e83d0d1f21580944": "tensorflow cp311 aarch64",
  "1ba52b9c06ab8102b31e50acfaf56899b923171e603c8942f2bfeb181d6bb59e": "tensorflow cp312 aarch64",
  e0ffa318b969779baad01a11e7799dda9677ee33ccbbcdbf7b735c27f53d2a9b: "tensorflow cp39 macosx arm64",
  "8baba2b0f9f286f8115a0005d17c020d2febf95e434302eaf758f2020c1c4de5": "tensorflow cp310 macosx arm64",
  "661029cd769b311db910b79a3a6ef50a5a61ecc947172228c777a49989722508": "tensorflow cp311 macosx arm64",
  "98afa9c7f21481cdc6ccd09507a7878d533150fbb001840cc145e2132eb40942": "tensorflow cp312 macosx arm64",
};

/** The libraries that tensorflow[and-cuda] 2.18.1 asks for, Linux x64: requirement and sha256. */
const CUDA_LIBRARIES: TensorFlowRelease["cuda"] = [
  ["nvidia-cublas-cu12==12.5.3.2", "ca070ad70e9fa6654084575d01bd001f30cc4665e33d4bb9fc8e0f321caa034b"],
  ["nvidia-cuda-cupti-cu12==12.5.82", "bde77a5feb66752ec61db2adfe47f56b941842825b4c7e2068aff27c9d107953"],
  ["nvidia-cuda-nvcc-cu12==12.5.82", "b03e545b8e8c3ce7ebcd7fc44063180ff52ff01d064ece2127ed90a04ef12cd0"],
  ["nvidia-cuda-nvrtc-cu12==12.5.82", "3dbd97b0104b4bfbc3c4f8c79cd2496307c89c43c29a9f83125f1d76296ff3fd"],
  ["nvidia-cuda-runtime-cu12==12.5.82", "3e79a060e126df40fd3a068f3f787eb000fa51b251ec6cd97d09579632687115"],
  ["nvidia-cudnn-cu12==9.3.0.75", "9ad9c6929ebb5295eb4a1728024666d1c88283373e265a0c5c883e6f9d5cd76d"],
  ["nvidia-cufft-cu12==11.2.3.61", "9a6e8df162585750f61983a638104a48c756aa13f9f48e19ab079b38e3c828b8"],
  ["nvidia-curand-cu12==10.3.6.82", "2823fb27de4e44dbb22394a6adf53aa6e1b013aca0f8c22867d1cfae58405536"],
  ["nvidia-cusolver-cu12==11.6.3.83", "93cfafacde4428b71778eeb092ec615a02a3d05404da1bcf91c53e3fa1bce42b"],
  ["nvidia-cusparse-cu12==12.5.1.3", "016df8e993c437e8301e62739f01775cba988fd5253cd4c64173f8e8d2f8e752"],
  ["nvidia-nccl-cu12==2.21.5", "8579076d30a8c24988834445f8d633c697d42397e92ffc3f63fa26766d25e0a0"],
  ["nvidia-nvjitlink-cu12==12.5.82", "f9b37bc5c8cf7509665cb6ada5aaa0ce65618f2332b7d3e78e9790511f111212"],
];

export const TENSORFLOW_RELEASE: TensorFlowRelease = {
  tensorflow: TENSORFLOW_VERSION,
  wheels: WHEELS,
  cuda: CUDA_LIBRARIES,
  tfjsNode: {
    name: "@tensorflow/tfjs-node",
    version: TFJS_NODE_VERSION,
    file: `tensorflow-tfjs-node-${TFJS_NODE_VERSION}.tgz`,
    integrity: "sha512-uHrXeUlfgkMxTZqHkESSV7zSdKdV0LlsBeblqkuKU9nnfxB1pC6DtoyYVaLxznzZy7WQSegjcohxxCjAf6Dc7w==",
  },
  edits: QUEUE_EDITS,
  headers: {
    name: "node-api-headers",
    version: "1.5.0",
    file: "node-api-headers-1.5.0.tgz",
    integrity: "sha512-Yi/FgnN8IU/Cd6KeLxyHkylBUvDTsSScT0Tna2zTrz8klmc8qF2ppj6Q1LHsmOueJWhigQwR4cO2p0XBGW5IaQ==",
  },
  neededBytes: { cpu: 1.5 * GIGABYTE, cuda: 9 * GIGABYTE },
};
