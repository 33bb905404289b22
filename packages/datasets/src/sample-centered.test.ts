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

/**
 * libvips' square of `size` pixels about (x, y), turned, `step` source pixels a pixel. Its picture covers where the linear part alone
 * takes the source, and how it rounds the corner of that is not documented: one of four whole-pixel shifts.
 */
async function turnedByLibvips(
  source: RgbImage,
  {
    degrees,
    step,
    size,
    x,
    y,
    interpolator,
  }: Record<"degrees" | "step" | "size" | "x" | "y", number> & { interpolator: string },
): Promise<Uint8Array[]> {
  const { width, height } = source;
  const [c, s] = [Math.cos((degrees * Math.PI) / 180) * step, Math.sin((degrees * Math.PI) / 180) * step];
  // output = M (input + idx) + odx, with pixel centres on integers.
  const map = invertAffine([c, -s, 0, s, c, 0]);
  const half = (size - 1) / 2;
  const corners = [0, width].flatMap((u) => [0, height].map((v) => [map[0] * u + map[1] * v, map[3] * u + map[4] * v]));
  const range = [0, 1].map((axis) => corners.map((corner) => corner[axis]!));
  const least = range.map((values) => Math.min(...values));
  // The window is moved by whole pixels to the middle of its picture.
  const shift = range.map((values) => Math.round((Math.min(...values) + Math.max(...values)) / 2 - half));
  const { data, info } = await sharp(Buffer.from(source.data), { raw: { width, height, channels: 3 } })
    .affine([map[0], map[1], map[3], map[4]], {
      interpolator: interpolator as "bilinear",
      background: "black",
      idx: -x,
      idy: -y,
      odx: half + shift[0]!,
      ody: half + shift[1]!,
    })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const roundings = [Math.floor, Math.ceil].flatMap((left) =>
    [Math.floor, Math.ceil].map((top) => [left, top] as const),
  );
  return roundings.map(([left, top]) => {
    const [dx, dy] = [shift[0]! - left(least[0]! + 1e-9), shift[1]! - top(least[1]! + 1e-9)];
    const part = new Uint8Array(size * size * 3);
    for (let row = 0; row < size; row++)
      for (let i = 0; i < 3 * size; i++) part[row * size * 3 + i] = data[(row + dy) * info.width * 3 + dx * 3 + i] ?? 0;
    return part;
  });
}
const turnedMap = ({ degrees, side, x, y }: Record<"degrees" | "side" | "x" | "y", number>) => {
  const [c, s] = [Math.cos((degrees * Math.PI) / 180) * side, Math.sin((degrees * Math.PI) / 180) * side];
  return invertAffine([c, -s, x, s, c, y]);
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
    const [size, x, y] = [96, 131.3, 117.6];
    const ours = sampleCentered(source, turnedMap({ degrees, side: step * size, x, y }), size);
    const parts = await turnedByLibvips(source, { degrees, step, size, x, y, interpolator: "bilinear" });
    expect(Math.min(...parts.map((part) => meanDifference(ours.data, part)))).toBeLessThan(1);
  });

  /** Our crop of the square from 100, 100 on, `step` source pixels a pixel, and libvips' with its linear kernel. */
  async function shrunk(
    source: RgbImage,
    { size, side, mirrored = false }: { size: number; side: number; mirrored?: boolean },
  ) {
    const centre = 100 + side / 2 - 0.5;
    const map = invertAffine([mirrored ? -side : side, 0, centre, 0, side, centre]);
    const theirs = sharp(Buffer.from(source.data), { raw: { width: source.width, height: source.height, channels: 3 } })
      .extract({ left: 100, top: 100, width: side, height: side })
      .resize(size, size, { kernel: "linear", fit: "fill", fastShrinkOnLoad: false });
    return {
      ours: sampleCentered(source, map, size),
      theirs: await (mirrored ? theirs.flop() : theirs).raw().toBuffer(),
    };
  }

  it.each([
    [1.25, 0.05],
    [1.6, 0.25],
    [2, 0.05],
    [2, 0.25],
    [3.4, 0.25],
    [5, 0.25],
    [5.9, 0.05],
  ])("shrunk %p-fold, detail %p: within a grey level on average", async (step, detail) => {
    const { ours, theirs } = await shrunk(picture(480, 480, detail), { size: 64, side: Math.round(64 * step) });
    expect(meanDifference(ours.data, theirs)).toBeLessThan(1);
  });

  it("shrunk and mirrored: within a grey level on average", async () => {
    const { ours, theirs } = await shrunk(picture(480, 480), { size: 64, side: 230, mirrored: true });
    expect(meanDifference(ours.data, theirs)).toBeLessThan(1);
  });

  it.each([
    [20, 2],
    [-35, 3],
    [90, 4],
    [45, 9],
  ])("turned by %p°, shrunk %p-fold: within a grey level of turning, then shrinking", async (degrees, step) => {
    const source = picture(700, 680, 0.12);
    const [size, x, y] = [40, 351.3, 337.6];
    const ours = sampleCentered(source, turnedMap({ degrees, side: step * size, x, y }), size);
    const side = size * step;
    // Bicubic turning takes away little of what the shrinking leaves.
    const parts = await turnedByLibvips(source, { degrees, step: 1, size: side, x, y, interpolator: "bicubic" });
    const differences = parts.map(async (part) => {
      const small = sharp(Buffer.from(part), { raw: { width: side, height: side, channels: 3 } });
      const { data } = await small
        .resize(size, size, { kernel: "linear", fit: "fill", fastShrinkOnLoad: false })
        .raw()
        .toBuffer({ resolveWithObject: true });
      return meanDifference(ours.data, data);
    });
    expect(Math.min(...(await Promise.all(differences)))).toBeLessThan(1);
  });
});

/** The definition for upright maps, in float64: every source pixel and as much of the outside as the tent can reach. */
function plainTent(
  { width, height, data }: RgbImage,
  {
    scale,
    offset,
    size,
    border,
  }: { scale: readonly [number, number]; offset: readonly [number, number]; size: number; border: string },
): number[] {
  const weights = (axis: 0 | 1, length: number) =>
    Array.from({ length: size }, (_, i) => {
      const [centre, reach] = [scale[axis] * i + offset[axis], Math.max(1, Math.abs(scale[axis]))];
      const row = new Float64Array(length);
      let total = 0;
      for (let j = Math.floor(centre - reach) - 1; j <= centre + reach + 1; j++) {
        const weight = Math.max(0, 1 - Math.abs(j - centre) / reach);
        total += weight;
        if (border === "edge") row[Math.min(length - 1, Math.max(0, j))]! += weight;
        else if (j >= 0 && j < length) row[j]! += weight;
      }
      return row.map((weight) => weight / total);
    });
  const [across, down] = [weights(0, width), weights(1, height)];
  return Array.from({ length: size * size * 3 }, (_, o) => {
    const [channel, i, j] = [o % 3, Math.floor(o / 3) % size, Math.floor(o / 3 / size)];
    let sum = 0;
    for (let v = 0; v < height; v++)
      if (down[j]![v])
        for (let u = 0; u < width; u++) sum += down[j]![v]! * across[i]![u]! * data[(v * width + u) * 3 + channel]!;
    return sum;
  });
}

describe("sampleCentered", () => {
  it.each(["black", "edge"] as const)(
    "is the definition for upright maps, border %p, inside and beyond the rim",
    (border) => {
      const source = picture(31, 23, 0.8);
      const size = 8;
      for (const [width, height, x, y] of [
        [8, 8, 15, 11],
        [5, 40, 15, 11],
        [60, 50, 15, 11],
        [-44, 12, 3, 20],
        [70, 30, -20, 30],
        [9, 9, -400, 11],
        [3000, 2000, 15, 11],
      ] as const) {
        const { data } = sampleCentered(source, invertAffine([width, 0, x, 0, height, y]), size, border);
        const scale = [width / size, height / size] as const;
        const first = (size - 1) / 2;
        const offset = [x - scale[0] * first, y - scale[1] * first] as const;
        const expected = plainTent(source, { scale, offset, size, border });
        expect(Math.max(...expected.map((value, i) => Math.abs(value - data[i]!)))).toBeLessThanOrEqual(0.501);
      }
    },
  );

  it("turned by a trifle gives what is upright, at every factor of shrinking", () => {
    const source = picture(700, 700, 0.05);
    for (const side of [40, 70, 200, 330, 600]) {
      const [upright, turned] = [0, 1e-4].map((angle) => {
        const [c, s] = [side * Math.cos(angle), side * Math.sin(angle)];
        return sampleCentered(source, invertAffine([c, -s, 350.2, s, c, 349.1]), 40).data;
      }) as [Uint8Array, Uint8Array];
      expect(meanDifference(upright, turned)).toBeLessThan(1);
    }
  });

  it("averages all of a flat picture to itself, turned and shrunk, and keeps its rim", () => {
    const flat = { width: 300, height: 300, data: new Uint8Array(270_000).fill(200) };
    for (const side of [100, 150, 250, 2000]) {
      const [c, s] = [side * Math.cos(0.5), side * Math.sin(0.5)];
      const edge = sampleCentered(flat, invertAffine([c, -s, 150, s, c, 150]), 40, "edge");
      expect(new Set(edge.data)).toEqual(new Set([200]));
    }
  });

  it("ends at once where a tiny face box claims a huge picture or the other way round", () => {
    const tiny = { width: 2, height: 2, data: new Uint8Array(12).fill(90) };
    for (const side of [1e-9, 1e9, 1e15])
      for (const angle of [0, 0.3]) {
        const [c, s] = [side * Math.cos(angle), side * Math.sin(angle)];
        expect(sampleCentered(tiny, invertAffine([c, -s, 0.5, s, c, 0.5]), 16, "edge").data[0]).toBe(90);
      }
  });
});
