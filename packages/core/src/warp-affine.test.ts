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
    ).toBeLessThanOrEqual(0.5 + 1e-9);
  }
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
