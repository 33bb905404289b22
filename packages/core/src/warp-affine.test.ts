import type { Affine } from "./affine.js";
import { createRandom } from "./create-random.js";
import { warpAffine } from "./warp-affine.js";

const image = { width: 4, height: 3, data: Uint8Array.from({ length: 36 }, (_, i) => 7 * i) };

it("warpAffine(image, identity) gives the same picture", () => {
  expect([...warpAffine(image, [1, 0, 0, 0, 1, 0], image).data]).toEqual([...image.data]);
});

it("warpAffine blends the four neighbours, as a plain formula says", () => {
  const random = createRandom(1);
  const at = (x: number, y: number) => (x < 0 || y < 0 || x > 3 || y > 2 ? 0 : image.data[(y * 4 + x) * 3 + 1]!);
  for (let i = 0; i < 200; i++) {
    const [x, y] = [random.uniform(-2, 5), random.uniform(-2, 4)];
    const [x0, y0] = [Math.floor(x), Math.floor(y)];
    const [u, v] = [x - x0, y - y0];
    const expected =
      (1 - v) * ((1 - u) * at(x0, y0) + u * at(x0 + 1, y0)) + v * ((1 - u) * at(x0, y0 + 1) + u * at(x0 + 1, y0 + 1));
    expect(
      Math.abs(warpAffine(image, [1, 0, x, 0, 1, y], { width: 1, height: 1 }).data[1]! - expected),
    ).toBeLessThanOrEqual(0.7);
  }
});

/** The definition, pixel by pixel in float64. */
function plainWarp(
  { width: w, height: h, data }: typeof picture,
  [a, b, c, d, e, f]: readonly number[],
  { width, height, border }: { width: number; height: number; border: "black" | "edge" },
): number[] {
  const at = (x: number, y: number, channel: number) => {
    const [u, v] = border === "edge" ? [Math.min(w - 1, Math.max(0, x)), Math.min(h - 1, Math.max(0, y))] : [x, y];
    return u < 0 || v < 0 || u >= w || v >= h ? 0 : data[(v * w + u) * 3 + channel]!;
  };
  return Array.from({ length: width * height * 3 }, (_, i) => {
    const [column, row] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    const [x, y] = [a! * column + b! * row + c!, d! * column + e! * row + f!];
    const [x0, y0] = [Math.floor(x), Math.floor(y)];
    const [u, v] = [x - x0, y - y0];
    const blend = (yy: number) => (1 - u) * at(x0, yy, i % 3) + u * at(x0 + 1, yy, i % 3);
    return (1 - v) * blend(y0) + v * blend(y0 + 1);
  });
}
const picture = {
  width: 23,
  height: 17,
  data: Uint8Array.from({ length: 23 * 17 * 3 }, (_, i) => (i * i * 31 + 7 * i) % 256),
};

it.each(["black", "edge"] as const)(
  'warpAffine with border "%s" is the definition at the rim, within and outside, turned, mirrored, upright and stretched',
  (border) => {
    const random = createRandom(3);
    const maps = [
      [1, 0, 0, 0, 1, 0],
      [-1, 0, 22, 0, 1, 0],
      [0, 1, 0, -1, 0, 16],
      [1, 0, -400, 0, 1, 0],
      [0.001, 0, 22, 0, 0.001, 16],
      ...Array.from({ length: 30 }, () =>
        Array.from({ length: 6 }, (_, i) => random.uniform(-1, 1) * (i % 3 === 2 ? 20 : 1.5)),
      ),
    ];
    for (const map of maps) {
      const size = { width: 29, height: 19, border };
      const { data } = warpAffine(picture, map as unknown as Affine, size);
      const expected = plainWarp(picture, map, size);
      expect(Math.max(...expected.map((value, i) => Math.abs(value - data[i]!)))).toBeLessThanOrEqual(0.7);
    }
  },
);

it("warpAffine gives black where the map is not finite", () => {
  expect(warpAffine(image, [Number.NaN, 0, 0, 0, 1, 0], image).data.every((value) => value === 0)).toBe(true);
});

it('warpAffine with border "edge" repeats the rim, with "black" it does not', () => {
  const far = (border?: "black" | "edge") =>
    warpAffine(image, [1, 0, -9, 0, 1, 20], { width: 1, height: 1, border }).data;
  expect([...far("edge")]).toEqual([...image.data.slice(24, 27)]);
  expect([...far()]).toEqual([0, 0, 0]);
});

it("warpAffine refuses sizes and borders that make no sense", () => {
  expect(() => warpAffine(image, [1, 0, 0, 0, 1, 0], { width: 0, height: 1 })).toThrow(
    "warpAffine: size must be positive integers; got 0 x 1.",
  );
  expect(() => warpAffine(image, [1, 0, 0, 0, 1, 0], { width: 1, height: 1, border: "wrap" as never })).toThrow(
    'border must be "black" or "edge"; got wrap',
  );
});
