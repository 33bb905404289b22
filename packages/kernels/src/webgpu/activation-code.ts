import type { FusedActivation } from "../fused-activation.js";

/**
 * `activate(z)` and its `slope(z)` in WGSL, for T = f32 or vec4<f32>. Comparisons are turned so that NaN stays NaN; the
 * slope is 0 at corners, as in every kernel of this package. The exponent is bounded because WGSL leaves overflow open.
 */
const SIGMOID = "fn sigmoid(z: T) -> T { return T(1.0) / (T(1.0) + exp(min(-z, T(80.0)))); }";

const CODE: Record<FusedActivation, string> = {
  linear: `
fn activate(z: T) -> T { return z; }
fn slope(z: T) -> T { return T(1.0); }`,
  relu: `
fn activate(z: T) -> T { return select(z, T(0.0), z < T(0.0)); }
fn slope(z: T) -> T { return select(T(0.0), T(1.0), z > T(0.0)); }`,
  relu6: `
fn activate(z: T) -> T { return select(select(z, T(0.0), z < T(0.0)), T(6.0), z > T(6.0)); }
fn slope(z: T) -> T { return select(T(0.0), T(1.0), z > T(0.0)) * select(T(0.0), T(1.0), z < T(6.0)); }`,
  swish: `${SIGMOID}
fn activate(z: T) -> T { return z * sigmoid(z); }
fn slope(z: T) -> T { let s = sigmoid(z); return s * (T(1.0) + z * (T(1.0) - s)); }`,
  sigmoid: `${SIGMOID}
fn activate(z: T) -> T { return sigmoid(z); }
fn slope(z: T) -> T { let s = sigmoid(z); return s * (T(1.0) - s); }`,
  hardSwish: `
fn gate(z: T) -> T { return select(select(z + T(3.0), T(0.0), z < T(-3.0)), T(6.0), z > T(3.0)); }
fn activate(z: T) -> T { return z * gate(z) / T(6.0); }
fn slope(z: T) -> T {
  let slanted = select(T(0.0), T(1.0), z > T(-3.0)) * select(T(0.0), T(1.0), z < T(3.0));
  return (gate(z) + z * slanted) / T(6.0);
}`,
};

export const activationCode = (activation: FusedActivation): string => CODE[activation];
