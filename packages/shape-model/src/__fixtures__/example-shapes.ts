import { createRandom } from "@acr/core";

/** Made-up shapes of 5 landmarks: two strong modes and a little noise, the same at every call. */
export function exampleShapes(count: number): number[][] {
  const random = createRandom(3);
  const base = Array.from({ length: 10 }, () => random.uniform(-1, 1));
  return Array.from({ length: count }, () => {
    const [a, b] = [random.normal(), random.normal(0, 0.3)];
    return base.map((value, q) => value + a * Math.sin(q) + b * Math.cos(3 * q) + random.normal(0, 0.01));
  });
}
