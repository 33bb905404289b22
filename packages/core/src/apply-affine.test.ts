import fc from "fast-check";
import { type Affine, applyAffine, composeAffine, invertAffine } from "./index.js";

const coefficient = fc.double({ min: -10, max: 10, noNaN: true });
/** Maps that turn and scale by a fair amount, so that rounding stays small. */
const affine = fc
  .record({ angle: coefficient, scale: fc.double({ min: 0.1, max: 10, noNaN: true }), c: coefficient, f: coefficient })
  .map(({ angle, scale, c, f }): Affine => {
    const [cos, sin] = [scale * Math.cos(angle), scale * Math.sin(angle)];
    return [cos, -sin, c, sin, cos, f];
  });
const shape = fc.array(coefficient, { minLength: 4, maxLength: 4 });

const expectClose = (got: ArrayLike<number>, expected: ArrayLike<number>) => {
  expect(got).toHaveLength(expected.length);
  for (let i = 0; i < expected.length; i++) expect(got[i]).toBeCloseTo(expected[i]!, 9);
};

it("applyAffine(map, shape) is x' = a·x + b·y + c, y' = d·x + e·y + f, and leaves the shape alone", () => {
  const points = Float64Array.of(1, 2, -3, 0.5);
  expect([...applyAffine([1, 2, 3, 4, 5, 6], points)]).toEqual([8, 20, 1, -3.5]);
  expect([...points]).toEqual([1, 2, -3, 0.5]);
});

it("composeAffine(first, second) applies first, then second", () => {
  fc.assert(
    fc.property(affine, affine, shape, (first, second, points) =>
      expectClose(applyAffine(composeAffine(first, second), points), applyAffine(second, applyAffine(first, points))),
    ),
    { numRuns: 100 },
  );
});

it("invertAffine(map) undoes the map", () => {
  fc.assert(
    fc.property(affine, shape, (map, points) =>
      expectClose(applyAffine(invertAffine(map), applyAffine(map, points)), points),
    ),
    { numRuns: 100 },
  );
});

it("invertAffine(map) refuses singular maps and NaN", () => {
  expect(() => invertAffine([1, 2, 0, 2, 4, 0])).toThrow("invertAffine: map must be invertible; got determinant 0.");
  expect(() => invertAffine([Number.NaN, 0, 0, 0, 1, 0])).toThrow("got determinant NaN");
});
