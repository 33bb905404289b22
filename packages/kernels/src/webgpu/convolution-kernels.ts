import { BackendError } from "@acr/core";
import { backend_util, type TensorInfo, util } from "@tensorflow/tfjs-core";
import type { ConvAttributes, Shape4 } from "../internal/conv-attributes.js";
import { columns, elementType } from "./columns.js";
import { FLAT_INDEX, type WebGpuRuntime } from "./webgpu-runtime.js";

type Kernel = (call: { inputs: Record<string, TensorInfo>; attrs: ConvAttributes }) => TensorInfo | undefined;

/** Rows and columns of the filter's gradient that a workgroup computes, 4 × 4 a thread, and positions it takes at once. */
const TILE = 32;
const DEPTH = 16;
const SIDE = TILE / 4;
/** Workgroups that keep a GPU busy, and positions below which cutting them further is not worth it. */
const WANTED_GROUPS = 256;
const LEAST_POSITIONS = 128;
const MOST_DEPTHWISE_CHUNKS = 64;

const GEOMETRY = [
  "height",
  "width",
  "channels",
  "outHeight",
  "outWidth",
  "strideHeight",
  "strideWidth",
  "dilationHeight",
  "dilationWidth",
  "top",
  "left",
  "filterHeight",
  "filterWidth",
] as const;

/**
 * dW[tap · C + c, d] = Σ over positions p of x[p moved by tap, c] · dy[p, d]: a product of matrices whose inner side, all
 * positions of the batch, is the long one. It is cut into pieces of `share` positions that a second program adds.
 */
const filterCode = (isPointwise: boolean) => `
var<workgroup> tileX: array<array<f32, ${TILE}>, ${DEPTH}>;
var<workgroup> tileY: array<array<f32, ${TILE}>, ${DEPTH}>;

fn readX(position: u32, row: u32) -> f32 {
  ${
    isPointwise
      ? "return x[position * u.channels + row];"
      : `let c = row % u.channels;
  let tap = row / u.channels;
  let column = position % u.outWidth;
  let line = (position / u.outWidth) % u.outHeight;
  let image = position / (u.outWidth * u.outHeight);
  let iy = i32(line * u.strideHeight + (tap / u.filterWidth) * u.dilationHeight) - i32(u.top);
  let ix = i32(column * u.strideWidth + (tap % u.filterWidth) * u.dilationWidth) - i32(u.left);
  if (iy < 0 || ix < 0 || iy >= i32(u.height) || ix >= i32(u.width)) { return 0.0; }
  return x[((image * u.height + u32(iy)) * u.width + u32(ix)) * u.channels + c];`
  }
}

@compute @workgroup_size(${SIDE}, ${SIDE})
fn main(
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) group: vec3<u32>,
) {
  let firstRow = group.y * ${TILE}u;
  let firstColumn = group.x * ${TILE}u;
  let begin = group.z * u.share;
  let end = min(begin + u.share, u.positions);
  var sums: array<vec4<f32>, 4>;
  for (var start = begin; start < end; start += ${DEPTH}u) {
    for (var i = lane; i < ${TILE * DEPTH}u; i += ${SIDE * SIDE}u) {
      let k = i / ${TILE}u;
      let position = start + k;
      let row = firstRow + i % ${TILE}u;
      let column = firstColumn + i % ${TILE}u;
      var left = 0.0;
      var right = 0.0;
      if (position < end) {
        if (row < u.rows) { left = readX(position, row); }
        if (column < u.columns) { right = dy[position * u.columns + column]; }
      }
      tileX[k][i % ${TILE}u] = left;
      tileY[k][i % ${TILE}u] = right;
    }
    workgroupBarrier();
    for (var k = 0u; k < ${DEPTH}u; k++) {
      let at = local.x * 4u;
      let right = vec4<f32>(tileY[k][at], tileY[k][at + 1u], tileY[k][at + 2u], tileY[k][at + 3u]);
      for (var r = 0u; r < 4u; r++) { sums[r] += tileX[k][local.y * 4u + r] * right; }
    }
    workgroupBarrier();
  }
  for (var r = 0u; r < 4u; r++) {
    let row = firstRow + local.y * 4u + r;
    for (var s = 0u; s < 4u; s++) {
      let column = firstColumn + local.x * 4u + s;
      if (row < u.rows && column < u.columns) {
        partial[(group.z * u.rows + row) * u.columns + column] = sums[r][s];
      }
    }
  }
}`;

const sumCode = `${FLAT_INDEX}
  if (index >= u.size) { return; }
  var sum = T(0.0);
  for (var k = 0u; k < u.chunks; k++) { sum += partial[k * u.size + index]; }
  result[index] = sum;
}`;

/** One tap of the filter each workgroup, lanes along the channels of dy. */
const depthwiseFilterCode = (lanes: number, rows: number) => `
var<workgroup> sums: array<T, ${lanes * rows}>;

@compute @workgroup_size(${lanes}, ${rows})
fn main(@builtin(local_invocation_id) local: vec3<u32>, @builtin(workgroup_id) group: vec3<u32>) {
  let i = local.y * ${lanes}u + local.x;
  let c = group.x * ${lanes}u + local.x;
  let tapY = i32((group.z / u.filterWidth) * u.dilationHeight) - i32(u.top);
  let tapX = i32((group.z % u.filterWidth) * u.dilationWidth) - i32(u.left);
  let end = min((group.y + 1u) * u.share, u.positions);
  var sum = T(0.0);
  if (c < u.columns) {
    for (var p = group.y * u.share + local.y; p < end; p += ${rows}u) {
      let iy = i32(((p / u.outWidth) % u.outHeight) * u.strideHeight) + tapY;
      let ix = i32((p % u.outWidth) * u.strideWidth) + tapX;
      if (iy >= 0 && ix >= 0 && iy < i32(u.height) && ix < i32(u.width)) {
        let image = p / (u.outWidth * u.outHeight);
        let at = (image * u.height + u32(iy)) * u.width + u32(ix);
        sum += x[at * u.channels + c / u.multiplier] * dy[p * u.columns + c];
      }
    }
  }
  sums[i] = sum;
  workgroupBarrier();
  if (local.y > 0u || c >= u.columns) { return; }
  for (var j = i + ${lanes}u; j < ${lanes * rows}u; j += ${lanes}u) { sum += sums[j]; }
  partial[(group.y * u.filterHeight * u.filterWidth + group.z) * u.columns + c] = sum;
}`;

const depthwiseInputCode = `${FLAT_INDEX}
  if (index >= u.size) { return; }
  let c = index % u.channels;
  let column = (index / u.channels) % u.width;
  let line = (index / (u.channels * u.width)) % u.height;
  let image = index / (u.channels * u.width * u.height);
  var sum = T(0.0);
  for (var fy = 0u; fy < u.filterHeight; fy++) {
    let y = i32(line + u.top) - i32(fy * u.dilationHeight);
    let oy = y / i32(u.strideHeight);
    if (y < 0 || oy * i32(u.strideHeight) != y || oy >= i32(u.outHeight)) { continue; }
    for (var fx = 0u; fx < u.filterWidth; fx++) {
      let x = i32(column + u.left) - i32(fx * u.dilationWidth);
      let ox = x / i32(u.strideWidth);
      if (x < 0 || ox * i32(u.strideWidth) != x || ox >= i32(u.outWidth)) { continue; }
      let at = ((image * u.outHeight + u32(oy)) * u.outWidth + u32(ox)) * u.channels + c;
      let tap = (fy * u.filterWidth + fx) * u.channels + c;
      for (var m = 0u; m < u.multiplier; m++) {
        sum += dy[at * u.multiplier + m] * filterWeights[tap * u.multiplier + m];
      }
    }
  }
  dx[index] = sum;
}`;

/** Gradients of convolutions, of which tfjs' use one thread for each filter weight, on all positions of the batch. */
export function convolutionKernels(runtime: WebGpuRuntime): Record<string, Kernel> {
  /**
   * `undefined` for what goes to tfjs' own kernel. The output's sides are those of `dy`: tfjs does not hand on how the forward
   * pass rounded them.
   */
  const infoOf = (
    inputShape: Shape4,
    filterShape: Shape4,
    dy: TensorInfo,
    attrs: ConvAttributes,
    isDepthwise: boolean,
  ) => {
    const { strides, dilations = 1, pad, dataFormat = "NHWC", dimRoundingMode } = attrs;
    if (dataFormat !== "NHWC") return undefined;
    const { padInfo, ...info } = backend_util.computeConv2DInfo(
      inputShape,
      filterShape,
      strides,
      isDepthwise ? dilations : 1,
      pad,
      dimRoundingMode,
      isDepthwise,
    );
    const [batchSize, outHeight, outWidth] = dy.shape as Shape4;
    return { ...info, padInfo, outHeight, outWidth, positions: batchSize * outHeight * outWidth };
  };
  type Info = NonNullable<ReturnType<typeof infoOf>>;
  const geometry = (info: Info, channels: number) => [
    info.inHeight,
    info.inWidth,
    channels,
    info.outHeight,
    info.outWidth,
    info.strideHeight,
    info.strideWidth,
    info.dilationHeight,
    info.dilationWidth,
    info.padInfo.top,
    info.padInfo.left,
    info.filterHeight,
    info.filterWidth,
  ];
  /** Adds `chunks` results that lie behind each other. */
  const sumChunks = (partial: TensorInfo, chunks: number, shape: number[]): TensorInfo => {
    if (chunks === 1) return { ...partial, shape };
    const result = runtime.output(shape);
    const size = shape.reduce((product, side) => product * side, 1);
    runtime.run(
      {
        key: "sum-chunks",
        type: "f32",
        inputs: ["partial"],
        outputs: ["result"],
        uniforms: ["size", "chunks"],
        code: sumCode,
      },
      [partial],
      [result],
      [size, chunks],
      runtime.flat(size),
    );
    runtime.backend.disposeData(partial.dataId);
    return result;
  };
  const isEmpty = (info: Info) => info.positions === 0 || info.inHeight * info.inWidth === 0;

  return {
    Conv2DBackpropFilter: ({ inputs: { x, dy }, attrs }) => {
      const shape = attrs.filterShape!;
      const info = infoOf(x!.shape as Shape4, shape, dy!, attrs, false);
      if (!info || isEmpty(info)) return undefined;
      const [rows, width] = [shape[0] * shape[1] * shape[2], shape[3]];
      const tiles = Math.ceil(rows / TILE) * Math.ceil(width / TILE);
      const { positions } = info;
      const wanted = Math.min(Math.ceil(WANTED_GROUPS / tiles), Math.ceil(positions / LEAST_POSITIONS));
      const share = Math.ceil(positions / wanted / DEPTH) * DEPTH;
      const chunks = Math.ceil(positions / share);
      const isPointwise =
        shape[0] === 1 &&
        shape[1] === 1 &&
        info.strideHeight === 1 &&
        info.strideWidth === 1 &&
        info.outHeight === info.inHeight &&
        info.outWidth === info.inWidth &&
        info.padInfo.top === 0 &&
        info.padInfo.left === 0;
      const partial = runtime.output(chunks === 1 ? shape : [chunks, rows, width]);
      runtime.run(
        {
          key: `conv-filter ${isPointwise}`,
          type: "f32",
          inputs: ["x", "dy"],
          outputs: ["partial"],
          uniforms: [...GEOMETRY, "rows", "columns", "positions", "share"],
          code: filterCode(isPointwise),
        },
        [x!, dy!],
        [partial],
        [...geometry(info, shape[2]), rows, width, positions, share],
        [Math.ceil(width / TILE), Math.ceil(rows / TILE), chunks],
      );
      return sumChunks(partial, chunks, shape);
    },

    // tfjs' own computes it, for the usual sides of dy alone.
    Conv2DBackpropInput: ({ inputs: { dy, filter }, attrs }) => {
      const { strides, pad, dataFormat = "NHWC" } = attrs;
      if (dataFormat !== "NHWC") return undefined;
      const usual = backend_util.computeConv2DInfo(attrs.inputShape!, filter!.shape as Shape4, strides, 1, pad);
      if (util.arraysEqual(usual.outShape, dy!.shape)) return undefined;
      throw new BackendError(
        `Conv2DBackpropInput: the gradient of a convolution to [${dy!.shape}] is missing on webgpu; expected [${usual.outShape}], as without dimRoundingMode. Pad the input instead, or use wasm.`,
      );
    },

    DepthwiseConv2dNativeBackpropFilter: ({ inputs: { x, dy }, attrs }) => {
      const shape = attrs.filterShape!;
      const info = infoOf(x!.shape as Shape4, shape, dy!, attrs, true);
      if (!info || isEmpty(info)) return undefined;
      const [, , channels, multiplier] = shape;
      const type = multiplier === 1 ? elementType(channels) : "f32";
      const by = type === "f32" ? 1 : 4;
      const width = (channels * multiplier) / by;
      const { lanes, rows, chunks, chunkRows, groups } = columns(width, info.positions, MOST_DEPTHWISE_CHUNKS);
      const taps = shape[0] * shape[1];
      const partial = runtime.output(chunks === 1 ? shape : [chunks, taps, channels * multiplier]);
      runtime.run(
        {
          key: `depthwise-filter ${type} ${lanes}`,
          type,
          inputs: ["x", "dy"],
          outputs: ["partial"],
          uniforms: [...GEOMETRY, "columns", "multiplier", "positions", "share"],
          code: depthwiseFilterCode(lanes, rows),
        },
        [x!, dy!],
        [partial],
        [...geometry(info, channels / by), width, multiplier, info.positions, chunkRows],
        [groups[0], groups[1], taps],
      );
      return sumChunks(partial, chunks, shape);
    },

    DepthwiseConv2dNativeBackpropInput: ({ inputs: { dy, filter }, attrs }) => {
      const shape = attrs.inputShape!;
      const info = infoOf(shape, filter!.shape as Shape4, dy!, attrs, true);
      if (!info || isEmpty(info)) return undefined;
      const [, , channels, multiplier] = filter!.shape as Shape4;
      const type = multiplier === 1 ? elementType(channels) : "f32";
      const by = type === "f32" ? 1 : 4;
      const size = (info.batchSize * info.inHeight * info.inWidth * channels) / by;
      const dx = runtime.output(shape);
      runtime.run(
        {
          key: `depthwise-input ${type}`,
          type,
          inputs: ["dy", "filterWeights"],
          outputs: ["dx"],
          uniforms: [...GEOMETRY, "multiplier", "size"],
          code: depthwiseInputCode,
        },
        [dy!, filter!],
        [dx],
        [...geometry(info, channels / by), multiplier, size],
        runtime.flat(size),
      );
      return dx;
    },
  };
}
