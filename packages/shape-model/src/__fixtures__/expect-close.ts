/** Relative to the largest expected value; 1e-8 is what any backward-stable solver reaches. */
export function expectClose(actual: ArrayLike<number>, expected: readonly number[], relative = 1e-8): void {
  expect(actual.length).toBe(expected.length);
  const largest = Math.max(...expected.map(Math.abs));
  for (let i = 0; i < expected.length; i++) {
    if (!(Math.abs(actual[i]! - expected[i]!) <= relative * largest)) {
      throw new Error(`[${i}]: got ${actual[i]}, expected ${expected[i]}`);
    }
  }
}
