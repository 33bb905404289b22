import { setFlagsFromString } from "node:v8";
import { createRandom } from "@acr/core";
import { ACTIVATION_CODES } from "../fused-activation.js";
import { compileModule } from "./compile-module.js";
import type { WasmExports } from "./wasm-exports.js";

const PAGES = 256;
/** Bytes between the arrays of a call. */
const APART = 2 ** 20;
const CHANNELS = [4, 8, 12, 16, 20, 24, 28, 40, 96];
const ROWS = [1, 5, 6, 7, 12, 31, 32, 33, 48, 49, 60, 61, 107];

type Build = { exports: WasmExports; memory: WebAssembly.Memory };

/** The wide build has other tiles and loops; the order of every sum is the same, so that nothing but bits may agree. */
describe("the build for 256-bit registers computes the bits of the usual relaxed one", () => {
  let builds: Build[];
  const random = createRandom("wide build");
  // Drawn once: where a call writes into an array, both builds begin with the same.
  const drawn = Float32Array.from({ length: (PAGES * 2 ** 16) / 4 }, () => random.uniform(-1, 1));

  beforeAll(async () => {
    if (process.versions.node.startsWith("20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");
    builds = await Promise.all(
      [false, true].map(async (wide) => {
        const { variant, module } = await compileModule({ shared: false, relaxed: true, wide });
        expect(variant).toBe(wide ? "simd-relaxed-wide" : "simd-relaxed");
        const memory = new WebAssembly.Memory({ initial: PAGES });
        const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
        return { exports: exports as unknown as WasmExports, memory };
      }),
    );
  });

  /** Runs calls on both and compares the arrays that they name. */
  function expectSame(what: unknown, run: (exports: WasmExports) => [address: number, length: number][]): void {
    const [usual, wide] = builds.map(({ exports, memory }) => {
      new Float32Array(memory.buffer).set(drawn);
      return run(exports).flatMap(([address, length]) => [...new Int32Array(memory.buffer, address, length)]);
    });
    const differs = usual!.findIndex((word, i) => word !== wide![i]);
    if (differs >= 0 || usual!.length !== wide!.length)
      throw new Error(`${JSON.stringify(what)}: word ${differs} differs`);
    expect(usual!.length).toBeGreaterThan(0);
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
});
