import { setFlagsFromString } from "node:v8";
import { createRandom, type Random } from "@acr/core";
import { ACTIVATION_CODES } from "../fused-activation.js";
import { compileModule } from "./compile-module.js";
import type { WasmExports } from "./wasm-exports.js";

const PAGES = 64;
/** Bytes between the arrays of a call. */
const APART = 2 ** 18;
const CHANNELS = [4, 8, 12, 16, 20, 24, 28, 40, 96];
const ROWS = [1, 5, 6, 7, 12, 31, 32, 33, 48, 49, 60, 61, 107];

type Build = { exports: WasmExports; memory: WebAssembly.Memory };
type Range = [address: number, length: number];

const compile = {
  simd: () => compileModule({ shared: false, relaxed: false }),
  "simd-relaxed": () => compileModule({ shared: false, relaxed: true }),
  "simd-relaxed-wide": () => compileModule({ shared: false, relaxed: true, wide: true }),
  scalar: async () => {
    const validate = jest.spyOn(WebAssembly, "validate").mockReturnValue(false);
    const compiled = compileModule({ shared: false, relaxed: false });
    validate.mockRestore();
    return compiled;
  },
};

const usual = (random: Random) => random.uniform(-1, 1);
const ODD = [-0, 0, 1e-42, -1e-40, 6, -3, 3, 87, -88, 1e19];
const NO_NUMBERS = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3e38];
/** Every sixth is a zero, too small, large, or a corner of an activation; a few are no numbers, so that not every sum is NaN. */
const hostile = (random: Random) => {
  if (random.integer(6) > 0) return random.uniform(-9, 9);
  return random.pick(random.integer(60) > 0 ? ODD : NO_NUMBERS);
};

/**
 * The wide build has other tiles and loops, the scalar one lanes instead of vectors; the order of every sum is the same, so
 * that nothing but bits may agree. The scalar build also leaves the same in its scratch space: all of the memory is compared.
 */
describe.each([
  { build: "simd-relaxed-wide", of: "simd-relaxed", values: "usual" },
  { build: "simd-relaxed-wide", of: "simd-relaxed", values: "hostile" },
  { build: "scalar", of: "simd", values: "usual" },
  { build: "scalar", of: "simd", values: "hostile" },
] as const)("the build $build computes the bits of $of with $values values", ({ build, of, values }) => {
  let builds: Build[];
  const random = createRandom(build + values);
  // Drawn once: where a call writes into an array, both builds begin with the same.
  const draw = { usual, hostile }[values];
  const drawn = Float32Array.from({ length: (PAGES * 2 ** 16) / 4 }, () => draw(random));

  beforeAll(async () => {
    if (process.versions.node.startsWith("20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");
    builds = await Promise.all(
      [of, build].map(async (name) => {
        const { variant, module } = await compile[name]();
        expect(variant).toBe(name);
        const memory = new WebAssembly.Memory({ initial: PAGES });
        const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
        return { exports: exports as unknown as WasmExports, memory };
      }),
    );
  });

  /** Runs calls on both and compares the arrays that they name; which bits a NaN has is the processor's to choose. */
  function expectSame(what: unknown, run: (exports: WasmExports) => Range[]): void {
    let ranges: Range[] = [];
    for (const { exports, memory } of builds) {
      new Float32Array(memory.buffer).set(drawn);
      ranges = run(exports);
    }
    expect(ranges.length).toBeGreaterThan(0);
    if (build === "scalar") ranges = [[0, drawn.length]];
    for (const [address, length] of ranges) {
      const [words, others] = builds.map(({ memory }) => new Int32Array(memory.buffer, address, length));
      const [numbers, otherNumbers] = builds.map(({ memory }) => new Float32Array(memory.buffer, address, length));
      for (let i = 0; i < length; i++) {
        if (words![i] === others![i] || (Number.isNaN(numbers![i]) && Number.isNaN(otherNumbers![i]))) continue;
        throw new Error(`${JSON.stringify(what)}: ${numbers![i]} and ${otherNumbers![i]} at ${address} + ${4 * i}`);
      }
    }
  }

  const [x, y, z, g, factors, filter, panels, sums, scratch] = Array.from({ length: 9 }, (_, i) => (i + 1) * APART) as [
    number,
    ...number[],
  ] as [number, number, number, number, number, number, number, number, number];
  const activations = Object.entries(ACTIVATION_CODES);

  it("in products with any sizes, also with odd ones", () => {
    for (let i = 0; i < 60; i++) {
      const [M, K, N] = [1 + random.integer(110), 1 + random.integer(70), 1 + random.integer(70)];
      expectSame({ M, K, N }, (exports) => {
        exports.packB(filter, K, N, i % 2, panels, 0, 1);
        exports.gemm(x, panels, z, M, N, K, scratch, 0, 1);
        exports.gemmTransposed(x, y, K, N, M, scratch, 0, 1);
        exports.sumParts(scratch, 0, g, K, N, 0, 1);
        return [
          [z, M * N],
          [g, K * N],
        ];
      });
    }
  });

  it("in units with a normalised input, all activations, and on both sides of each switch of rows and channels", () => {
    for (const K of CHANNELS) {
      for (const N of CHANNELS) {
        const M = random.pick(ROWS);
        const [name, code] = random.pick(activations);
        const hasFactors = random.integer(4) > 0;
        expectSame({ M, K, N, name, hasFactors }, (exports) => {
          const inFactors = hasFactors ? factors : 0;
          exports.packB(filter, K, N, 0, panels, 0, 1);
          exports.unitForward(x, inFactors, code, panels, z, M, N, K, sums, scratch, 0, 1);
          const results: [number, number][] = [[z, M * N]];
          exports.normMoments(sums, 1, M, N, y, y + 4 * N);
          results.push([y, 2 * N]);
          exports.packB(filter, N, K, 1, panels, 0, 1);
          const mean = factors + APART / 2;
          const args = [g, z, factors, x, inFactors, mean, code, panels, y + APART / 2, sums];
          exports.unitBackward(...args, M, N, K, scratch, 0, 1);
          exports.sumParts(scratch, 0, panels, K, N, 0, 1);
          results.push([y + APART / 2, M * K], [panels, K * N]);
          if (hasFactors) {
            exports.normMergeSums(sums, 1, K, filter);
            results.push([filter, 2 * K]);
          }
          return results;
        });
      }
    }
  });

  it("in inference, where tiles begin with a bias and are clamped", () => {
    for (const K of CHANNELS) {
      for (const N of [...CHANNELS, 5, 33]) {
        const M = random.pick(ROWS);
        const [name, code] = N % 4 === 0 ? random.pick(activations) : activations[1]!;
        expectSame({ M, K, N, name }, (exports) => {
          exports.foldNorm(filter, factors, K, N, panels, scratch);
          exports.foldedForward(x, panels, z, M, N, K, code, scratch, 0, 1);
          return [[z, M * N]];
        });
      }
    }
  });

  it("in depthwise units of all filters, strides and activations", () => {
    for (const C of CHANNELS) {
      for (const [taps, stride, dilation] of [
        [3, 1, 1],
        [3, 2, 1],
        [5, 1, 1],
        [5, 2, 1],
        [3, 3, 1],
        [3, 1, 2],
        [7, 1, 1],
        [2, 2, 1],
      ] as const) {
        const [H, W] = [3 + random.integer(9), 1 + random.integer(12)];
        const span = (taps - 1) * dilation;
        const pad = span >> 1;
        const [OH, OW] = [H, W].map((side) => Math.floor((side + 2 * pad - span - 1) / stride) + 1) as [number, number];
        if (OH < 1 || OW < 1) continue;
        const geometry = [2, H, W, C, taps, taps, stride, stride, dilation, dilation, pad, pad, OH, OW];
        const [name, code] = random.pick(activations);
        const hasFactors = random.integer(4) > 0;
        expectSame({ H, W, C, taps, stride, dilation, name, hasFactors }, (exports) => {
          const inFactors = hasFactors ? factors : 0;
          exports.depthwiseUnitForward(x, inFactors, code, 0, 0, filter, z, sums, scratch, ...geometry, 0, 1);
          exports.normMoments(sums, 1, 2 * OH * OW, C, y, y + 4 * C);
          const mean = factors + APART / 2;
          const args = [g, z, factors, x, inFactors, mean, code, filter, y + APART / 2, sums, scratch];
          exports.depthwiseUnitBackward(...args, ...geometry, 0, 1);
          const results: [number, number][] = [
            [z, 2 * OH * OW * C],
            [y, 2 * C],
            [y + APART / 2, 2 * H * W * C],
            [scratch, taps * taps * C],
          ];
          if (hasFactors) {
            exports.normMergeSums(sums, 1, C, panels);
            results.push([panels, 2 * C]);
          }
          return results;
        });
      }
    }
  });

  it("in the passes of normalisation, pooling, gates and optimizers", () => {
    for (const C of CHANNELS) {
      for (const M of ROWS) {
        const [name, code] = random.pick(activations);
        const residual = random.integer(2) * g;
        expectSame({ M, C, name, residual }, (exports) => {
          exports.normApply(x, z, M, C, factors, code, residual, 0, 1);
          exports.normGradientSums(x, y, panels, filter, M, C, factors, code, sums, 0, 1);
          exports.normMergeSums(sums, 1, C, scratch);
          exports.normGradient(x, y, y, M, C, factors, 0, 1);
          return [
            [z, M * C],
            [panels, M * C],
            [scratch, 2 * C],
            [y, M * C],
          ];
        });
      }
      expectSame({ C }, (exports) => {
        exports.areaMean(x, z, 2, 33, C, 0, 1);
        exports.gate(x, y, panels, 2, 33, C, 0, 1);
        exports.gateGradient(g, x, y, g, scratch, 2, 33, C, 0, 1);
        exports.adam(filter, filter, factors, sums, g, 33 * C + 3, 0.9, 0.999, 0.01, 1.1, 1e-7, 0.99, 1, 0, 1);
        return [
          [z, 2 * C],
          [panels, 66 * C],
          [scratch, 2 * C],
          [g, 66 * C],
          [filter, 33 * C + 3],
        ];
      });
    }
  });

  it("in convolutions of several pixels and separate depthwise kernels, also with odd channels", () => {
    for (let i = 0; i < 40; i++) {
      const [C, N, batch] = [1 + random.integer(9), 1 + random.integer(20), 1 + random.integer(2)];
      const [H, W] = [3 + random.integer(9), 3 + random.integer(9)];
      const [KH, KW] = [1 + random.integer(3), 1 + random.integer(3)];
      const [strideY, strideX] = [1 + random.integer(2), 1 + random.integer(2)];
      const [dilationY, dilationX] = [1 + random.integer(2), 1 + random.integer(2)];
      const [spanY, spanX] = [(KH - 1) * dilationY, (KW - 1) * dilationX];
      const [top, left] = [spanY >> 1, spanX >> 1];
      const [OH, OW] = [
        Math.floor((H + spanY - spanY - 1) / strideY) + 1,
        Math.floor((W + spanX - spanX - 1) / strideX) + 1,
      ];
      const geometry = [batch, H, W, C, KH, KW, strideY, strideX, dilationY, dilationX, top, left, OH, OW];
      const [M, K] = [batch * OH * OW, KH * KW * C];
      const [name, code] = N % 4 === 0 ? random.pick(activations) : activations[1]!;
      expectSame({ geometry, N, name }, (exports) => {
        exports.packB(filter, K, N, 0, panels, 0, 1);
        exports.patchForward(x, panels, z, M, N, K, 0, scratch, ...geometry, 0, 1);
        exports.foldNorm(filter, factors, K, N, panels, scratch);
        exports.foldedPatchForward(x, panels, y, M, N, K, code, scratch, ...geometry, 0, 1);
        exports.patchBackward(g, 0, 0, x, M, N, K, scratch, ...geometry, 0, 1);
        exports.sumParts(scratch, 0, sums, K, N, 0, 1);
        exports.col2im(g, panels, ...geometry, 0, 1);
        return [
          [z, M * N],
          [y, M * N],
          [sums, K * N],
          [panels, batch * H * W * C],
        ];
      });
      expectSame({ geometry, isDepthwise: true }, (exports) => {
        exports.depthwiseForward(x, filter, z, ...geometry, scratch, 0, 1);
        exports.depthwiseInputGradient(g, filter, y, ...geometry, scratch, 0, 1);
        exports.depthwiseFilterGradient(x, g, panels, ...geometry, 0, 1);
        return [
          [z, M * C],
          [y, batch * H * W * C],
          [panels, K],
        ];
      });
    }
  });

  it("in squeeze and excite, optimizers, and what computes factors and sums", () => {
    const half = APART / 2;
    for (const C of CHANNELS) {
      const [S, area, batch] = [1 + random.integer(11), 1 + random.integer(30), 1 + random.integer(3)];
      const [name, code] = random.pick(activations);
      const width = (S + 3) & ~3;
      const M = batch * area;
      expectSame({ C, S, area, batch, name }, (exports) => {
        const [hidden, active, gates, dHidden, dPixel] = [y, y + half, z, z + half, sums + half];
        exports.excite(x, filter, factors, panels, g, hidden, active, gates, batch, C, S, code, 0, 1);
        exports.exciteGradient(g, gates, hidden, filter, panels, dHidden, dPixel, batch, area, C, S, code, 0, 1);
        const changes = [scratch, scratch + half, factors, factors + half];
        exports.exciteWeightGradient(x, active, g, dHidden, ...changes, batch, C, S, 0, 1);
        const ends = [C, factors, code, gates, dPixel, sums, 0, 1];
        exports.gatedNormGradientSums(x, g, x, factors + half, batch, area, ...ends);
        exports.normMergeSums(sums, 1, C, panels);
        exports.gatedGradient(g, gates, dPixel, g, batch, area, C, 0, 1);
        exports.areaMeanGradient(dPixel, panels + half, batch, area, C, 0, 1);
        return [
          [hidden, batch * width],
          [active, batch * width],
          [gates, batch * C],
          [dHidden, batch * width],
          [dPixel, batch * C],
          [scratch, C * S],
          [scratch + half, S],
          [factors, S * C],
          [factors + half, C],
          [x, M * C],
          [panels, 2 * C],
          [g, M * C],
          [panels + half, M * C],
        ];
      });
      const n = 33 * C + random.integer(4);
      expectSame({ C, n }, (exports) => {
        exports.momentumStep(filter, filter, factors, g, n, 0.9, 0.01, C & 4, 0.99, 0, 1);
        exports.rmspropStep(panels, panels, scratch, sums, g, n, 0.9, 0.9, 0.01, 1e-7, 0.99, 0, 1);
        exports.add(x, y, z, n, 0, 1);
        exports.sumVectors(g, 0, g, 4 * C, 0, 1);
        new Float64Array(builds.find((one) => one.exports === exports)!.memory.buffer, y, 1)[0] = exports.sumOfSquares(
          x,
          n,
        );
        exports.movingAverage(x, g, x + half, C, 0.99);
        exports.normSums(x, 33, C, sums + half, 0, 1);
        exports.normMoments(sums + half, 1, 33, C, g + half, g + half + 4 * C);
        exports.normFactors(x, y + half, g + half, g + half + 4 * C, 1e-3, C, z + half);
        const moments = [g + half, g + half + 4 * C, 1e-3];
        exports.normGradientFactors(x, 33, C, filter, ...moments, panels + half, filter + half, factors + half);
        return [
          [filter, n],
          [factors, n],
          [panels, n],
          [scratch, n],
          [z, n],
          [y, 2],
          [x + half, C],
          [g + half, 2 * C],
          [z + half, 2 * C],
          [panels + half, C],
          [filter + half, C],
          [factors + half, 3 * C],
        ];
      });
    }
  });
});
