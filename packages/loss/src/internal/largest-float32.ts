/** Values and slopes of finite inputs that exceed float32 saturate here instead of becoming Infinity (and then NaN). */
export const LARGEST_FLOAT32 = 3.4028234663852886e38;
