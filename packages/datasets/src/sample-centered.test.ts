import { createRandom, invertAffine, type RgbImage } from "@acr/core";
import sharp from "sharp";
import { sampleCentered } from "./internal/sample-centered.js";

/** A picture with edges and texture; `detail` is the deviation of its waves in radians a pixel. */
function picture(width: number, height: number, detail = 0.25): RgbImage {
  const random = createRandom(4);
  const data = new Uint8Array(width * height * 3);
  const waves = Array.from(
    { length: 24 },
    () => [random.normal(0, detail), random.normal(0, detail), random.uniform(0, 6), random.integer(3)] as const,
  );
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const levels = [128, 128, 128];
    for (const [u, v, phase, channel] of waves) levels[channel]! += 14 * Math.sin(u * x + v * y + phase);
    // Edges: squares of another brightness.
    const bright = (Math.floor(x / (4 / detail)) + Math.floor(y / (4 / detail))) % 2 ? 40 : -40;
    data.set(
      levels.map((level) => Math.max(0, Math.min(255, Math.round(level + bright)))),
      3 * i,
    );
  }
  return { width, height, data };
}
const meanDifference = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum / a.length;
};

describe("sampleCentered against libvips", () => {
  it.each([
    [0, 1.0],
    [17, 1.0],
    [-32, 0.8],
    [5, 1.15],
    [90, 0.61],
  ])("turned by %p°, %p source pixels each: within a grey level on average", async (degrees, step) => {
    const source = picture(260, 240);
    const size = 96;
    const [c, s] = [Math.cos((degrees * Math.PI) / 180) * step, Math.sin((degrees * Math.PI) / 180) * step];
    // The centre of output pixel (i, j) lies at source centre + step · R · (i − (N − 1) / 2, j − (N − 1) / 2).
    const [x, y] = [131.3, 117.6];
    const centeredToSource = [c * size, -s * size, x, s * size, c * size, y] as const;
    const ours = sampleCentered(source, invertAffine(centeredToSource), size);
    // libvips: output = M (input + idx) + odx with pixel centres on integers. Its picture covers where M alone takes the
    // source, so the window is moved by whole pixels to the middle of that.
    const map = invertAffine([c, -s, 0, s, c, 0]);
    const half = (size - 1) / 2;
    const corners = [0, 260].flatMap((u) => [0, 240].map((v) => [map[0] * u + map[1] * v, map[3] * u + map[4] * v]));
    const range = [0, 1].map((axis) => corners.map((corner) => corner[axis]!));
    const least = range.map((values) => Math.min(...values));
    const shift = range.map((values) => Math.round((Math.min(...values) + Math.max(...values)) / 2 - half));
    const { data, info } = await sharp(Buffer.from(source.data), { raw: { width: 260, height: 240, channels: 3 } })
      .affine([map[0], map[1], map[3], map[4]], {
        interpolator: "bilinear",
        background: "black",
        idx: -x,
        idy: -y,
        odx: half + shift[0]!,
        ody: half + shift[1]!,
      })
      .raw()
      .toBuffer({ resolveWithObject: true });
    // How it rounds the corner is not documented: the picture starts at one of the two whole pixels.
    const roundings = [Math.floor, Math.ceil].flatMap((left) =>
      [Math.floor, Math.ceil].map((top) => [left, top] as const),
    );
    const differences = roundings.map(([left, top]) => {
      const [dx, dy] = [shift[0]! - left(least[0]! + 1e-9), shift[1]! - top(least[1]! + 1e-9)];
      const part = new Uint8Array(size * size * 3);
      for (let j = 0; j < size; j++)
        for (let i = 0; i < 3 * size; i++) part[j * size * 3 + i] = data[(j + dy) * info.width * 3 + dx * 3 + i] ?? 0;
      return meanDifference(ours.data, part);
    });
    expect(Math.min(...differences)).toBeLessThan(1);
  });

  it.each([
    [2, 1],
    [3.4, 1.5],
    [5, 3],
  ])("shrunk %p-fold: at most %p grey levels from its linear kernel, which is wider", async (step, limit) => {
    // As detailed as photographs are after the camera: most of it outlives the shrinking.
    const source = picture(480, 480, 0.05);
    const size = 64;
    const side = Math.round(size * step);
    const ours = sampleCentered(
      source,
      invertAffine([side, 0, 100 + side / 2 - 0.5, 0, side, 100 + side / 2 - 0.5]),
      size,
    );
    const theirs = await sharp(Buffer.from(source.data), { raw: { width: 480, height: 480, channels: 3 } })
      .extract({ left: 100, top: 100, width: side, height: side })
      .resize(size, size, { kernel: "linear", fit: "fill", fastShrinkOnLoad: false })
      .raw()
      .toBuffer();
    expect(meanDifference(ours.data, theirs)).toBeLessThan(limit);
  });
});
