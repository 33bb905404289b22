import { InvalidArgumentError } from "./invalid-argument-error.js";

/** The four 32-bit words of a generator, for exact resume. */
export type RandomState = readonly [number, number, number, number];

/** A stream of pseudo-random numbers. */
export interface Random {
  /** Uniform in [low, high), default [0, 1), with 53 random bits. */
  uniform(low?: number, high?: number): number;
  /** Normal with the given mean (default 0) and standard deviation (default 1). */
  normal(mean?: number, deviation?: number): number;
  /** The next 32 bits, an integer in [0, 2³²): the cheapest draw. */
  word(): number;
  /** Uniform integer in [0, bound). */
  integer(bound: number): number;
  /** True with the given probability (default 0.5). */
  chance(probability?: number): boolean;
  /** One element of a non-empty array. */
  pick<T>(values: readonly T[]): T;
  /** The integers 0 … length − 1 in random order (Fisher and Yates). */
  permutation(length: number): Uint32Array;
  /** An independent stream named by the labels; does not advance this one. */
  fork(...labels: (string | number)[]): Random;
  /** The state, to continue later with `createRandom(state)`. */
  state(): RandomState;
}

/** FNV-1a over the text, then avalanched: turns seeds and labels into words. */
function hash(text: string, salt: number): number {
  let h = 0x811c9dc5 ^ salt;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function seedState(seed: string): RandomState {
  const words = [1, 2, 3, 4].map((salt) => hash(seed, Math.imul(salt, 0x9e3779b9)));
  // xoshiro stands still at the all-zero state.
  return words.every((word) => word === 0) ? [1, 0, 0, 0] : (words as unknown as RandomState);
}

/**
 * Seeded random numbers: xoshiro128** (Blackman and Vigna 2018, arXiv:1805.01407), the same on every machine.
 *
 * @param seed - any finite number or string, or a state that `Random.state()` gave.
 * @throws {InvalidArgumentError} seed is neither.
 * @example
 * const random = createRandom(1);
 * random.uniform(-1, 1);
 * random.fork("flip", 12).chance(); // depends on the seed and the labels only
 */
export function createRandom(seed: number | string | RandomState): Random {
  let state: RandomState;
  if (typeof seed === "string" || (typeof seed === "number" && Number.isFinite(seed))) state = seedState(`${seed}`);
  else if (
    Array.isArray(seed) &&
    seed.length === 4 &&
    seed.every((word) => Number.isInteger(word)) &&
    seed.some((word) => word !== 0)
  )
    state = seed as unknown as RandomState;
  else
    throw new InvalidArgumentError(
      `createRandom: seed must be a finite number, a string or a state of four integers; got ${String(seed)}.`,
    );

  let [a, b, c, d] = state.map((word) => word | 0) as [number, number, number, number];
  const next = () => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const unit = () => ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992;
  const random: Random = {
    word: next,
    uniform: (low = 0, high = 1) => low + (high - low) * unit(),
    // Box and Muller; the second value is dropped so that the state alone determines the future.
    normal: (mean = 0, deviation = 1) =>
      mean + deviation * Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit()),
    integer: (bound) => {
      if (!Number.isInteger(bound) || bound < 1)
        throw new InvalidArgumentError(`Random.integer: bound must be an integer >= 1; got ${bound}.`);
      return Math.floor(unit() * bound);
    },
    chance: (probability = 0.5) => unit() < probability,
    pick: (values) => values[random.integer(values.length)]!,
    permutation: (length) => {
      const order = Uint32Array.from({ length }, (_, i) => i);
      for (let i = length - 1; i > 0; i--) {
        const j = Math.floor(unit() * (i + 1));
        const held = order[i]!;
        order[i] = order[j]!;
        order[j] = held;
      }
      return order;
    },
    fork: (...labels) =>
      createRandom(`${random.state().join(",")}/${labels.map((label) => `${typeof label}:${label}`).join("/")}`),
    state: () => [a >>> 0, b >>> 0, c >>> 0, d >>> 0],
  };
  return random;
}
