import { setFlagsFromString } from "node:v8";
import { createRandom, type Random } from "@acr/core";
import { base64 as scalar } from "./generated/scalar.js";
import { base64 as simd } from "./generated/simd.js";
import { base64 as relaxed } from "./generated/simd-relaxed.js";
import { base64 as wide } from "./generated/simd-relaxed-wide.js";
import { SHARED_KERNELS, type SharedKernel, type WasmExports } from "./wasm-exports.js";

const PAGES = 96;
const CASES = 40;
// Node 20 has relaxed SIMD behind a flag.
if (process.versions.node.startsWith("20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");

/** Numbers of which each kernel finds some in its way. */
const SPECIAL = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-42, 3e38, 6, -3];

const binaryOf = (base64: string) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/** A memory and the kernels of one build on it. */
function start(base64: string) {
  const memory = new WebAssembly.Memory({ initial: PAGES });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(binaryOf(base64)), { env: { memory } });
  return { kernels: exports as unknown as WasmExports, memory: memory.buffer };
}

/** What a case draws its arguments from. */
class Draw {
  /** Behind all addresses that were drawn, in bytes. */
  end = 64;
  /** Where the scratch space of the case lies, in bytes. */
  readonly scratches: { start: number; end: number }[] = [];

  constructor(
    readonly random: Random,
    readonly threads: number,
    private readonly builds: readonly WasmExports[],
  ) {}

  integer(from: number, to: number): number {
    return from + this.random.integer(to - from + 1);
  }

  /** Address of so many floats that nothing else has. */
  floats(count: number): number {
    const address = this.end;
    this.end += 4 * (count + (count & 1));
    return address;
  }

  /** The same, or no address. */
  maybe(count: number): number {
    const address = this.floats(count);
    return this.random.integer(3) ? address : 0;
  }

  /** Each thread's sums. */
  sums(C: number): number {
    const apart = this.builds[0]!.sumsSize(C, 1);
    const sums = this.floats((this.threads * apart) / 4);
    // Behind the two float64 of each channel lie float32 that wait to be added to them.
    for (let thread = 0; thread < this.threads; thread++)
      this.scratches.push({ start: sums + thread * apart + 16 * C, end: sums + (thread + 1) * apart });
    return sums;
  }

  scratch(size: Exclude<keyof WasmExports, SharedKernel>, ...args: number[]): number {
    const start = this.floats(this.threads * Math.max(...this.builds.map((kernels) => kernels[size](...args))));
    this.scratches.push({ start, end: this.end });
    return start;
  }

  activation(): number {
    return this.random.integer(6);
  }

  /** A convolution's sizes, as the kernels take them. */
  geometry(channels: number) {
    const [KH, KW] = this.random.pick([
      [3, 3],
      [5, 5],
      [7, 7],
      [1, 1],
      [2, 3],
      [4, 2],
    ] as const);
    const [strideY, strideX] = [this.integer(1, 3), this.integer(1, 3)];
    const isDilated = this.random.integer(4) === 0;
    const [dilationY, dilationX] = isDilated ? [2, this.integer(1, 2)] : [1, 1];
    const [batch, C] = [this.integer(1, 2), channels];
    const [heightOfTaps, widthOfTaps] = [(KH - 1) * dilationY + 1, (KW - 1) * dilationX + 1];
    const [H, W] = [heightOfTaps + this.integer(0, 6), widthOfTaps + this.integer(0, 6)];
    const [top, left] = [this.random.integer(KH), this.random.integer(KW)];
    const OH = Math.floor((H + 2 * top - heightOfTaps) / strideY) + 1;
    const OW = Math.floor((W + 2 * left - widthOfTaps) / strideX) + 1;
    const args = [batch, H, W, C, KH, KW, strideY, strideX, dilationY, dilationX, top, left, OH, OW];
    return { args, batch, H, W, C, KH, KW, strideY, strideX, dilationY, dilationX, left, OH, OW };
  }

  /** Sizes of a product of matrices. */
  product() {
    return { M: this.integer(1, 130), N: this.integer(1, 40), K: this.integer(1, 40) };
  }
}

const whole = (count: number) => (count + 7) & ~7;
const four = (draw: Draw, most: number) => 4 * draw.integer(1, most);

/** Arguments of each kernel; threads follow by themselves. */
const CALLS: Record<keyof WasmExports, (draw: Draw) => number[]> = {
  packB: (draw) => {
    const { N, K } = draw.product();
    return [draw.floats(N * K), K, N, draw.random.integer(2), draw.floats(whole(N) * K)];
  },
  gemm: (draw) => {
    const { M, N, K } = draw.product();
    return [draw.floats(M * K), draw.floats(whole(N) * K), draw.floats(M * N), M, N, K, draw.scratch("gemmScratch", K)];
  },
  gemmTransposed: (draw) => {
    const { M: K, N, K: M } = draw.product();
    return [draw.floats(M * K), draw.floats(N * K), M, N, K, draw.scratch("gemmTransposedScratch", M, N)];
  },
  sumParts: (draw) => {
    const { M, N } = draw.product();
    const apart = whole(M) * whole(N) + 4;
    return [draw.floats(draw.threads * apart), apart, draw.floats(M * N), M, N];
  },
  sumVectors: (draw) => {
    const n = four(draw, 30);
    return [draw.floats(draw.threads * (n + 4)), n + 4, draw.floats(n), n];
  },
  col2im: (draw) => {
    const { args, batch, H, W, C, KH, KW, OH, OW } = draw.geometry(draw.integer(1, 9));
    return [draw.floats(batch * OH * OW * KH * KW * C), draw.floats(batch * H * W * C), ...args];
  },
  unitForward: (draw) => {
    const { M } = draw.product();
    const [N, K] = [four(draw, 10), four(draw, 10)];
    const [x, factors, P, z] = [
      draw.floats(M * K),
      draw.maybe(2 * K),
      draw.floats(whole(N) * K),
      draw.floats(M * N),
    ] as const;
    return [
      x,
      factors,
      draw.activation(),
      P,
      z,
      M,
      N,
      K,
      draw.random.integer(2) && draw.sums(N),
      draw.scratch("unitForwardScratch", K),
    ];
  },
  unitBackward: (draw) => {
    const { M } = draw.product();
    const [N, K] = [four(draw, 10), four(draw, 10)];
    const [g, z, outFactors, x] = [draw.floats(M * N), draw.floats(M * N), draw.maybe(3 * N), draw.floats(M * K)];
    const [inFactors, inMean, activation] = [draw.maybe(2 * K), draw.floats(K), draw.activation()];
    const [PT, gIn, sums] = [draw.floats(whole(K) * N), draw.maybe(M * K), draw.sums(K)];
    const scratch = draw.scratch("unitBackwardScratch", K, N);
    return [g, z, outFactors, x, inFactors, inMean, activation, PT, gIn, sums, M, N, K, scratch];
  },
  patchForward: (draw) => {
    const { args, batch, H, W, C, KH, KW, OH, OW } = draw.geometry(draw.integer(1, 5));
    const [M, N, K] = [batch * OH * OW, four(draw, 6), KH * KW * C];
    const [x, P, z] = [draw.floats(batch * H * W * C), draw.floats(whole(N) * K), draw.floats(M * N)];
    const sums = draw.random.integer(2) && draw.sums(N);
    return [x, P, z, M, N, K, sums, draw.scratch("unitForwardScratch", K), ...args];
  },
  foldedForward: (draw) => {
    const { M, K } = draw.product();
    const N = four(draw, 10);
    const [x, P, y] = [draw.floats(M * K), draw.scratch("foldedSize", K, N), draw.floats(M * N)];
    return [x, P, y, M, N, K, draw.activation(), draw.scratch("unitForwardScratch", K)];
  },
  foldedPatchForward: (draw) => {
    const { args, batch, H, W, C, KH, KW, OH, OW } = draw.geometry(draw.integer(1, 5));
    const [M, N, K] = [batch * OH * OW, four(draw, 6), KH * KW * C];
    const [x, P, y] = [draw.floats(batch * H * W * C), draw.scratch("foldedSize", K, N), draw.floats(M * N)];
    return [x, P, y, M, N, K, draw.activation(), draw.scratch("unitForwardScratch", K), ...args];
  },
  patchBackward: (draw) => {
    const { args, batch, H, W, C, KH, KW, OH, OW } = draw.geometry(draw.integer(1, 5));
    const [M, N, K] = [batch * OH * OW, four(draw, 6), KH * KW * C];
    const [g, z, outFactors] = [draw.floats(M * N), draw.floats(M * N), draw.maybe(3 * N)];
    const x = draw.floats(batch * H * W * C);
    return [g, z, outFactors, x, M, N, K, draw.scratch("unitBackwardScratch", K, N), ...args];
  },
  depthwiseForward: (draw) => {
    const { args, batch, H, W, C, KH, KW, OH, OW } = draw.geometry(draw.integer(1, 19));
    const [x, w, out] = [draw.floats(batch * H * W * C), draw.floats(KH * KW * C), draw.floats(batch * OH * OW * C)];
    return [x, w, out, ...args, draw.scratch("depthwiseScratch", KH, KW)];
  },
  depthwiseInputGradient: (draw) => {
    const { args, batch, H, W, C, KH, KW, OH, OW } = draw.geometry(draw.integer(1, 19));
    const [dy, w, dx] = [draw.floats(batch * OH * OW * C), draw.floats(KH * KW * C), draw.floats(batch * H * W * C)];
    return [dy, w, dx, ...args, draw.scratch("depthwiseScratch", KH, KW)];
  },
  depthwiseFilterGradient: (draw) => {
    const { args, batch, H, W, C, KH, KW, OH, OW } = draw.geometry(draw.integer(1, 40));
    return [draw.floats(batch * H * W * C), draw.floats(batch * OH * OW * C), draw.floats(KH * KW * C), ...args];
  },
  maxPoolGradient: (draw) => {
    const { args, batch, H, W, C, OH, OW } = draw.geometry(draw.integer(1, 40));
    const [x, dy, dx] = [
      draw.floats(batch * H * W * C),
      draw.floats(batch * OH * OW * C),
      draw.floats(batch * H * W * C),
    ];
    return [x, dy, dx, ...args, draw.scratch("maxPoolGradientScratch")];
  },
  depthwiseUnitForward: (draw) => {
    const { args, batch, H, W, C, KH, KW, strideX, dilationY, dilationX, left, OH, OW } = draw.geometry(four(draw, 5));
    const [x, inFactors, outFactors] = [draw.floats(batch * H * W * C), draw.maybe(2 * C), draw.maybe(2 * C)];
    const [w, z, sums] = [
      draw.floats(KH * KW * C),
      draw.floats(batch * OH * OW * C),
      draw.random.integer(3) && draw.sums(C),
    ];
    const scratch = draw.scratch("depthwiseUnitForwardScratch", W, C, KH, KW, strideX, dilationY, dilationX, left, OW);
    return [x, inFactors, draw.activation(), outFactors, draw.activation(), w, z, sums, scratch, ...args];
  },
  depthwiseUnitBackward: (draw) => {
    const { args, batch, H, W, C, KH, KW, strideY, strideX, dilationY, dilationX, left, OH, OW } = draw.geometry(
      four(draw, 5),
    );
    const out = batch * OH * OW * C;
    const [g, z, outFactors, x] = [
      draw.floats(out),
      draw.floats(out),
      draw.maybe(3 * C),
      draw.floats(batch * H * W * C),
    ];
    const [inFactors, inMean, w] = [draw.maybe(2 * C), draw.floats(C), draw.floats(KH * KW * C)];
    const [gIn, sums] = [draw.floats(batch * H * W * C), draw.sums(C)];
    const sizes = [W, C, KH, KW, strideY, strideX, dilationY, dilationX, left, OW];
    const scratch = draw.scratch("depthwiseUnitBackwardScratch", ...sizes);
    return [g, z, outFactors, x, inFactors, inMean, draw.activation(), w, gIn, sums, scratch, ...args];
  },
  normSums: (draw) => {
    const [M, C] = [draw.integer(1, 130), four(draw, 9)];
    return [draw.floats(M * C), M, C, draw.sums(C)];
  },
  normApply: (draw) => {
    const [M, C] = [draw.integer(1, 130), four(draw, 9)];
    const [x, y, factors, residual] = [
      draw.floats(M * C),
      draw.floats(M * C),
      draw.floats(2 * C),
      draw.maybe(M * C),
    ] as const;
    return [x, y, M, C, factors, draw.activation(), residual];
  },
  normGradientSums: (draw) => {
    const [M, C] = [draw.integer(1, 130), four(draw, 9)];
    const [x, dy, out, mean] = [draw.floats(M * C), draw.floats(M * C), draw.maybe(M * C), draw.floats(C)];
    return [x, dy, out, mean, M, C, draw.floats(2 * C), draw.activation(), draw.sums(C)];
  },
  normGradient: (draw) => {
    const [M, C] = [draw.integer(1, 130), four(draw, 9)];
    return [draw.floats(M * C), draw.floats(M * C), draw.floats(M * C), M, C, draw.floats(3 * C)];
  },
  areaMean: (draw) => {
    const [batch, area, C] = [draw.integer(1, 3), draw.integer(1, 130), draw.integer(1, 70)];
    return [draw.floats(batch * area * C), draw.floats(batch * C), batch, area, C];
  },
  areaMeanGradient: (draw) => {
    const [batch, area, C] = [draw.integer(1, 3), draw.integer(1, 130), draw.integer(1, 70)];
    return [draw.floats(batch * C), draw.floats(batch * area * C), batch, area, C];
  },
  gate: (draw) => {
    const [batch, area, C] = [draw.integer(1, 3), draw.integer(1, 130), draw.integer(1, 70)];
    return [draw.floats(batch * area * C), draw.floats(batch * C), draw.floats(batch * area * C), batch, area, C];
  },
  gateGradient: (draw) => {
    const [batch, area, C] = [draw.integer(1, 3), draw.integer(1, 130), draw.integer(1, 70)];
    const [dy, x, gates] = [draw.floats(batch * area * C), draw.floats(batch * area * C), draw.floats(batch * C)];
    return [dy, x, gates, draw.floats(batch * area * C), draw.floats(batch * C), batch, area, C];
  },
  gatedGradient: (draw) => {
    const [batch, area, C] = [draw.integer(1, 3), draw.integer(1, 130), four(draw, 9)];
    const [dy, gates, offsets] = [draw.floats(batch * area * C), draw.floats(batch * C), draw.floats(batch * C)];
    return [dy, gates, offsets, draw.floats(batch * area * C), batch, area, C];
  },
  gatedNormGradientSums: (draw) => {
    const [batch, area, C] = [draw.integer(1, 3), draw.integer(1, 60), four(draw, 9)];
    const maps = [1, 2, 3].map(() => draw.floats(batch * area * C));
    const [mean, factors, gates, offsets] = [C, 2 * C, batch * C, batch * C].map((count) => draw.floats(count));
    return [...maps, mean!, batch, area, C, factors!, draw.activation(), gates!, offsets!, draw.sums(C)];
  },
  excite: (draw) => {
    const [batch, C, S] = [draw.integer(1, 4), four(draw, 9), draw.integer(1, 13)];
    const rows = batch * ((S + 3) & ~3);
    const arrays = [batch * C, C * S, S, S * C, C, rows, rows, batch * C].map((count) => draw.floats(count));
    return [...arrays, batch, C, S, draw.activation()];
  },
  exciteGradient: (draw) => {
    const [batch, C, S] = [draw.integer(1, 4), four(draw, 9), draw.integer(1, 13)];
    const rows = batch * ((S + 3) & ~3);
    const arrays = [batch * C, batch * C, rows, C * S, S * C, rows, batch * C].map((count) => draw.floats(count));
    return [...arrays, batch, draw.integer(1, 99), C, S, draw.activation()];
  },
  exciteWeightGradient: (draw) => {
    const [batch, C, S] = [draw.integer(1, 4), four(draw, 9), draw.integer(1, 13)];
    const rows = batch * ((S + 3) & ~3);
    const arrays = [batch * C, rows, batch * C, rows, C * S, S, S * C, C].map((count) => draw.floats(count));
    return [...arrays, batch, C, S];
  },
  add: (draw) => {
    const n = draw.integer(1, 99);
    return [draw.floats(n), draw.floats(n), draw.floats(n), n];
  },
  adam: (draw) => {
    const n = draw.integer(1, 99);
    const addresses = [1, 2, 3, 4, 5].map(() => draw.floats(n));
    return [...addresses, n, 0.9, 0.999, 0.01, 1.5, 1e-7, 0.99, 0.7];
  },
  momentumStep: (draw) => {
    const n = draw.integer(1, 99);
    return [draw.floats(n), draw.floats(n), draw.maybe(n), draw.floats(n), n, 0.9, 0.01, draw.random.integer(2), 0.99];
  },
  rmspropStep: (draw) => {
    const n = draw.integer(1, 99);
    const [weights, out, squares, velocity] = [draw.floats(n), draw.floats(n), draw.floats(n), draw.maybe(n)];
    return [weights, out, squares, velocity, draw.floats(n), n, 0.9, 0.5, 0.01, 1e-7, 0.99];
  },
  normMoments: (draw) => {
    const C = four(draw, 9);
    return [draw.sums(C), draw.threads, draw.integer(1, 99), C, draw.floats(C), draw.floats(C)];
  },
  normFactors: (draw) => {
    const C = four(draw, 9);
    return [draw.floats(C), draw.floats(C), draw.floats(C), draw.floats(C), 1e-3, C, draw.floats(2 * C)];
  },
  normMergeSums: (draw) => {
    const C = four(draw, 9);
    return [draw.sums(C), draw.threads, C, draw.floats(2 * C)];
  },
  normGradientFactors: (draw) => {
    const C = four(draw, 9);
    const [sums, gamma, mean, variance] = [draw.floats(2 * C), draw.floats(C), draw.floats(C), draw.floats(C)];
    return [
      sums,
      draw.integer(1, 99),
      C,
      gamma,
      mean,
      variance,
      1e-3,
      draw.floats(C),
      draw.floats(C),
      draw.floats(3 * C),
    ];
  },
  movingAverage: (draw) => {
    const C = draw.integer(1, 40);
    return [draw.floats(C), draw.floats(C), draw.floats(C), C, 0.9];
  },
  sumOfSquares: (draw) => {
    const n = draw.integer(1, 99);
    return [draw.floats(n), n];
  },
  foldNorm: (draw) => {
    const [K, N] = [draw.integer(1, 40), four(draw, 10)];
    const [filter, factors, P] = [draw.floats(K * N), draw.floats(2 * N), draw.scratch("foldedSize", K, N)];
    return [filter, factors, K, N, P, draw.floats(K * N)];
  },
  sumsSize: (draw) => [four(draw, 9), draw.integer(1, 4)],
  maxPoolGradientScratch: () => [],
  gemmScratch: (draw) => [draw.integer(1, 99)],
  gemmTransposedScratch: (draw) => [draw.integer(1, 99), draw.integer(1, 99)],
  foldedSize: (draw) => [draw.integer(1, 99), draw.integer(1, 99)],
  unitForwardScratch: (draw) => [draw.integer(1, 99)],
  unitBackwardScratch: (draw) => [draw.integer(1, 99), draw.integer(1, 99)],
  depthwiseScratch: (draw) => [draw.integer(1, 9), draw.integer(1, 9)],
  depthwiseUnitForwardScratch: (draw) => {
    const { W, C, KH, KW, strideX, dilationY, dilationX, left, OW } = draw.geometry(4);
    return [W, C, KH, KW, strideX, dilationY, dilationX, left, OW];
  },
  depthwiseUnitBackwardScratch: (draw) => {
    const { W, C, KH, KW, strideY, strideX, dilationY, dilationX, left, OW } = draw.geometry(4);
    return [W, C, KH, KW, strideY, strideX, dilationY, dilationX, left, OW];
  },
};

const isShared = (name: string): name is SharedKernel => (SHARED_KERNELS as readonly string[]).includes(name);
const isNaNWord = (word: number) => (word & 0x7fffffff) > 0x7f800000;

/**
 * The scalar build is made of the plain SIMD one, operation by operation; the wide one has other tiles and loops, but adds
 * everything in the order of the relaxed one. So nothing but bits may agree: all of the memory, but for the wide build's scratch
 * space, where its panels lie.
 */
describe.each([
  { build: "scalar", binaries: [simd, scalar] },
  { build: "wide", binaries: [relaxed, wide] },
])("the $build build", ({ build, binaries }) => {
  const builds = binaries.map(start);
  const kernels = builds.map((one) => one.kernels);
  const memories = builds.map(({ memory }) => memory);

  it("exports what the SIMD build does, and every kernel is compared below", () => {
    const [names, ...others] = kernels.map((exports) => Object.keys(exports).sort());
    expect(others).toEqual([names]);
    expect([...Object.keys(CALLS), "memory"].sort()).toEqual(names);
  });

  it.each(Object.keys(CALLS) as (keyof WasmExports)[])("of %s computes the same bits as the SIMD build", (name) => {
    const random = createRandom(`${build} ${name}`);
    let changed = 0;
    let returned = 0;
    for (let i = 0; i < CASES; i++) {
      const threads = 1 + random.integer(4);
      const draw = new Draw(random, threads, kernels);
      const args = CALLS[name](draw);
      // With a margin, into which nobody should write.
      const end = draw.end + 1024;
      const [words, others] = memories.map((buffer) => new Uint32Array(buffer, 0, end / 4)) as [
        Uint32Array,
        Uint32Array,
      ];
      const values = new Float32Array(words.buffer, 0, words.length);
      for (let k = 0, state = i + 1; k < values.length; k++) {
        state = (Math.imul(state, 1664525) + 1013904223) | 0;
        values[k] = (state >> 8) / 2 ** 21;
      }
      // In one case of three numbers stand in the way that no training should see.
      if (i % 3 === 2) for (let k = random.integer(97); k < values.length; k += 97) values[k] = random.pick(SPECIAL);
      const before = words.slice();
      others.set(words);
      const results = kernels.map((exports) => {
        if (!isShared(name)) return exports[name](...args);
        for (let thread = 0; thread < threads; thread++) exports[name](...args, thread, threads);
        return undefined;
      });
      if (build === "wide" && name.endsWith("Scratch")) expect(results[1]).toBeGreaterThanOrEqual(results[0]!);
      else expect(results[1]).toBe(results[0]);
      if (results[0]) returned++;
      const isScratch = (k: number) => draw.scratches.some(({ start, end }) => 4 * k >= start && 4 * k < end);
      for (let k = 0; k < words.length; k++) {
        if (words[k] !== before[k]) changed++;
        // The bits of a NaN are any that say so.
        if (words[k] === others[k] || (isNaNWord(words[k]!) && isNaNWord(others[k]!))) continue;
        if (build === "wide" && isScratch(k)) continue;
        throw new Error(
          `${name}(${args.join(", ")}), word ${k}: ${words[k]} with SIMD, ${others[k]} in the other build`,
        );
      }
    }
    expect(changed + returned).toBeGreaterThan(0);
  });
});
