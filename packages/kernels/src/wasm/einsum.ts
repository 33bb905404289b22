import {
  backend_util,
  type GradConfig,
  mul,
  onesLike,
  reshape,
  sum,
  type Tensor,
  tidy,
  transpose,
} from "@tensorflow/tfjs-core";

/** The tensor with one axis for each of `rank` dimensions: its own at `axes`, the others of size 1. */
function align(tensor: Tensor, axes: readonly number[], rank: number): Tensor {
  const order = axes.map((_, axis) => axis).sort((a, b) => axes[a]! - axes[b]!);
  const shape = Array.from({ length: rank }, (_, dim) => (axes.includes(dim) ? tensor.shape[axes.indexOf(dim)]! : 1));
  return reshape(transpose(tensor, order), shape);
}

/** Every operand is brought to the axes of the whole equation; the product is summed over those that the result lacks. */
export function contract(equation: string, tensors: Tensor[]): Tensor {
  const { allDims, summedDims, idDims } = backend_util.decodeEinsumEquation(equation, tensors.length);
  backend_util.checkEinsumDimSizes(allDims.length, idDims, tensors);
  return tidy(() => {
    const product = tensors.map((tensor, i) => align(tensor, idDims[i]!, allDims.length)).reduce((a, b) => mul(a, b));
    return summedDims.length > 0 ? sum(product, summedDims) : product;
  });
}

/** tfjs has no gradient of einsum: that of one operand is the contraction of dy with the others, on the axes of its own. */
export const einsumGradient: GradConfig = {
  kernelName: "Einsum",
  saveAllInputs: true,
  gradFunc: (dy: Tensor | Tensor[], saved: Tensor[], attrs) => {
    const { allDims, summedDims, idDims } = backend_util.decodeEinsumEquation(
      (attrs as unknown as { equation: string }).equation,
      saved.length,
    );
    const rank = allDims.length;
    const dims = allDims.map((_, dim) => dim);
    const ofOperand = (operand: number): Tensor =>
      tidy(() => {
        const own = idDims[operand]!;
        // An axis that is summed in this operand alone has no other size than that of the ones.
        const product = saved
          .map((tensor, i) => align(i === operand ? onesLike(tensor) : tensor, idDims[i]!, rank))
          .reduce((a, b) => mul(a, b), align(dy as Tensor, dims.slice(0, rank - summedDims.length), rank));
        const others = dims.filter((dim) => !own.includes(dim));
        const summed = others.length > 0 ? sum(product, others) : product;
        return transpose(
          summed,
          own.map((dim) => own.filter((other) => other < dim).length),
        );
      });
    return Object.fromEntries(saved.map((_, i) => [i, () => ofOperand(i)]));
  },
};
