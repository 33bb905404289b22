import {
  applyPixelChanges,
  createRandom,
  PIXEL_CHANGE_BYTES,
  type PixelChange,
  packPixelChanges,
  ShapeError,
} from "./index.js";

const WIDTH = 7;
const HEIGHT = 5;
const random = createRandom(3);
const bytes = (length: number) => Uint8Array.from({ length }, () => random.integer(256));
const block = { left: 2, top: 1, right: 7, bottom: 4, color: [1, 250, 3] as const };

/** The definition, pixel by pixel, in floating point. */
function expected(pixels: Uint8Array, { levels, grey, block: covered }: PixelChange): number[] {
  const result: number[] = [];
  for (let p = 0; p < WIDTH * HEIGHT; p++) {
    const [x, y] = [p % WIDTH, Math.floor(p / WIDTH)];
    let rgb = [0, 1, 2].map((c) => (levels ? levels[256 * c + pixels[3 * p + c]!]! : pixels[3 * p + c]!));
    if (grey) rgb = Array(3).fill(Math.floor((299 * rgb[0]! + 587 * rgb[1]! + 114 * rgb[2]! + 500) / 1000));
    if (covered && x >= covered.left && x < covered.right && y >= covered.top && y < covered.bottom)
      rgb = [...covered.color];
    result.push(...rgb);
  }
  return result;
}

describe("packPixelChanges(changes) and applyPixelChanges(pixels, changes, { width, height })", () => {
  it("make the changes of each picture in order: levels, grey, block", () => {
    const levels = bytes(768);
    const changes: PixelChange[] = [{}, { levels }, { grey: true }, { block }, { levels, grey: true, block }];
    const pixels = bytes(changes.length * WIDTH * HEIGHT * 3);
    const packed = packPixelChanges(changes);
    expect(packed.length).toBe(changes.length * PIXEL_CHANGE_BYTES);
    const picture = WIDTH * HEIGHT * 3;
    const wanted = changes.flatMap((change, i) => expected(pixels.slice(i * picture, (i + 1) * picture), change));
    for (const Kind of [Uint8Array, Uint8ClampedArray]) {
      const changed = Kind.from(pixels);
      applyPixelChanges(changed, packed, { width: WIDTH, height: HEIGHT });
      expect([...changed]).toEqual(wanted);
    }
  });

  it("leave a picture without a change, and sides up to 65535, as they are", () => {
    const pixels = bytes(65535 * 3);
    const packed = packPixelChanges([undefined]);
    const same = Uint8Array.from(pixels);
    applyPixelChanges(same, packed, { width: 65535, height: 1 });
    expect(same).toEqual(pixels);
    const wide = packPixelChanges([{ block: { left: 65534, top: 0, right: 65535, bottom: 1, color: [9, 8, 7] } }]);
    applyPixelChanges(same, wide, { width: 65535, height: 1 });
    expect([...same.subarray(-3)]).toEqual([9, 8, 7]);
    expect(same.subarray(0, -3)).toEqual(pixels.subarray(0, -3));
  });

  it("refuse changes of another number than the pictures", () => {
    const change = packPixelChanges([{ grey: true }]);
    expect(() => applyPixelChanges(new Uint8Array(24), change, { width: 2, height: 2 })).toThrow(ShapeError);
    expect(() => applyPixelChanges(new Uint8Array(13), change, { width: 2, height: 2 })).toThrow(
      "784 bytes for each [2, 2, 3] picture; got 784 for 13 pixel values",
    );
  });
});
