import { type Augmentation, checkOptions, InvalidArgumentError } from "@acr/core";

/**
 * Bends the grey curve: x ↦ 255 · (x / 255)^γ, ln γ uniform in ± ln(1 + range).
 *
 * @throws {InvalidArgumentError} range < 0 or an unknown option.
 * @example gamma({ range: 0.5 });
 */
export function gamma(options: { range?: number } = {}): Augmentation {
  checkOptions("gamma", options, ["range"]);
  const { range = 0.4 } = options;
  if (!(range >= 0 && Number.isFinite(range)))
    throw new InvalidArgumentError(`gamma: range must be >= 0; got ${range}.`);
  return {
    name: "gamma",
    options: { range },
    draw: (random) => {
      const exponent = Math.exp(random.uniform(-1, 1) * Math.log1p(range));
      return {
        photometric: ({ data }) => {
          const table = Uint8ClampedArray.from({ length: 256 }, (_, value) => 255 * (value / 255) ** exponent);
          for (let i = 0; i < data.length; i++) data[i] = table[data[i]!]!;
        },
      };
    },
  };
}
