import { createRandom } from "./create-random.js";

describe("createRandom", () => {
  it("createRandom(seed) gives the same numbers for the same seed and others for another", () => {
    const draw = (seed: number | string) => {
      const random = createRandom(seed);
      return Array.from({ length: 5 }, () => random.uniform());
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw("a")).not.toEqual(draw("b"));
  });

  it("uniform and normal have the moments of their distributions", () => {
    const random = createRandom(1);
    const n = 50_000;
    const uniform = Array.from({ length: n }, () => random.uniform());
    const normal = Array.from({ length: n }, () => random.normal(3, 2));
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / n;
    expect(Math.min(...uniform)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...uniform)).toBeLessThan(1);
    expect(mean(uniform)).toBeCloseTo(0.5, 2);
    expect(mean(normal)).toBeCloseTo(3, 1);
    expect(mean(normal.map((value) => (value - 3) ** 2))).toBeCloseTo(4, 0);
  });

  it("state() continues exactly, and fork depends on seed and labels only", () => {
    const random = createRandom(5);
    random.uniform();
    const copy = createRandom(random.state());
    expect(copy.fork("x", 1).uniform()).toBe(random.fork("x", 1).uniform());
    expect(random.fork("x", 1).uniform()).not.toBe(random.fork("x", 2).uniform());
    expect(copy.uniform()).toBe(random.uniform());
  });

  it("permutation(n) holds each index once", () => {
    expect([...createRandom(2).permutation(100)].sort((a, b) => a - b)).toEqual([...Array(100).keys()]);
  });

  it("refuses seeds that are no seeds", () => {
    expect(() => createRandom(Number.NaN)).toThrow("createRandom: seed must be");
    expect(() => createRandom([0, 0, 0, 0])).toThrow("createRandom: seed must be");
    expect(() => createRandom(1).integer(0)).toThrow("Random.integer: bound");
  });
});
