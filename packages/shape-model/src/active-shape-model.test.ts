import { createRandom, ibug68 } from "@acr/core";
import { ActiveShapeModel } from "./active-shape-model.js";

const random = createRandom(5);
const NOISE = Array.from({ length: 5003 }, () => random.uniform(-5, 5));
/** A bright ellipse on a dark ground with 16 landmarks on its rim; the box knows it only roughly. */
function drawn() {
  const [cx, cy] = [random.uniform(45, 55), random.uniform(45, 55)];
  const [a, b] = [random.uniform(22, 30), random.uniform(16, 24)];
  const [low, high] = [random.uniform(0, 80), random.uniform(150, 255)];
  const data = new Uint8Array(100 * 100);
  for (let y = 0, p = 0; y < 100; y++)
    for (let x = 0; x < 100; x++, p++) {
      const inside = Math.sqrt(((x - cx) / a) ** 2 + ((y - cy) / b) ** 2);
      data[p] = low + (high - low) / (1 + Math.exp(10 * (inside - 1))) + NOISE[(p + 97 * drawn.calls) % NOISE.length]!;
    }
  drawn.calls++;
  const landmarks = Float64Array.from({ length: 32 }, (_, q) => {
    const angle = (2 * Math.PI * (q >> 1)) / 16;
    return q % 2 === 0 ? cx + a * Math.cos(angle) : cy + b * Math.sin(angle);
  });
  return { image: { width: 100, height: 100, data }, landmarks, box: [20, 25, 80, 75] };
}
drawn.calls = 0;
const samples = Array.from({ length: 60 }, drawn);
const heldOut = Array.from({ length: 20 }, drawn);
const options = { faceSize: 48, levels: 2, profileReach: 4 };
let model: ActiveShapeModel;
beforeAll(async () => {
  model = await ActiveShapeModel.fit(samples, options);
});
const error = (found: ArrayLike<number>, truth: ArrayLike<number>) => {
  let sum = 0;
  for (let q = 0; q < truth.length; q += 2) sum += Math.hypot(found[q]! - truth[q]!, found[q + 1]! - truth[q + 1]!);
  return (2 * sum) / truth.length;
};
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const average = Float64Array.from({ length: 32 }, (_, q) => mean(samples.map(({ landmarks }) => landmarks[q]!)));

describe("ActiveShapeModel", () => {
  it("finds held-out outlines within a pixel, far nearer than the mean shape", () => {
    const found = mean(
      heldOut.map(({ image, box, landmarks }) => error(model.search(image, box).landmarks, landmarks)),
    );
    expect(found).toBeLessThan(1);
    expect(found).toBeLessThan(0.3 * mean(heldOut.map(({ landmarks }) => error(average, landmarks))));
  });

  it("gives the same for grey, RGB and RGBA, and follows the picture when box and picture move", () => {
    const { image, box } = heldOut[0]!;
    const grey = model.search(image, box);
    for (const channels of [3, 4]) {
      const data = Uint8Array.from({ length: image.data.length * channels }, (_, i) =>
        i % channels === 3 ? 7 : image.data[Math.floor(i / channels)]!,
      );
      const { landmarks } = model.search({ ...image, data }, box);
      expect(error(landmarks, grey.landmarks)).toBeLessThan(0.05);
    }
    const data = new Uint8Array(120 * 110);
    for (let y = 0; y < 110; y++)
      for (let x = 0; x < 120; x++)
        data[y * 120 + x] = image.data[Math.min(99, Math.max(0, y - 6)) * 100 + Math.min(99, Math.max(0, x - 9))]!;
    const moved = model.search({ width: 120, height: 110, data }, [29, 31, 89, 81]);
    expect(
      error(
        moved.landmarks,
        grey.landmarks.map((value, q) => value + (q % 2 === 0 ? 9 : 6)),
      ),
    ).toBeLessThan(0.05);
  });

  it("comes back from its binary form with the same results", () => {
    const copy = ActiveShapeModel.fromBinary(model.toBinary());
    const { image, box } = heldOut[1]!;
    expect(copy.search(image, box)).toEqual(model.search(image, box));
    expect(() => ActiveShapeModel.fromBinary(model.shapeModel.toBinary())).toThrow(
      'bytes must hold a ActiveShapeModel; got "PointModel"',
    );
  });

  it("gives finite landmarks for a box across the picture's rim", () => {
    for (const box of [
      [-40, -30, 20, 30],
      [70, 80, 130, 140],
      [0, 0, 0.5, 0.5],
    ])
      expect(model.search(heldOut[3]!.image, box).landmarks.every(Number.isFinite)).toBe(true);
  });

  it("stops once the landmarks have settled", () => {
    const { image, box } = heldOut[2]!;
    expect(model.search(image, box, { maxIterations: 50 }).iterations).toBeLessThan(100);
    expect(model.search(image, box, { maxIterations: 1 }).iterations).toBe(2);
  });

  it("reads samples from an async iterable", async () => {
    const streamed = await ActiveShapeModel.fit(
      (async function* () {
        yield* samples;
      })(),
      options,
    );
    expect(Buffer.compare(streamed.toBinary(), model.toBinary())).toBe(0);
  });

  const [first] = samples as [ReturnType<typeof drawn>];
  it.each([
    [() => ActiveShapeModel.fit([]), "samples must hold at least 2; got 0"],
    [
      () => ActiveShapeModel.fit([first, { ...first, landmarks: [1, 2] }]),
      "landmarks of sample 1 must have 32 numbers",
    ],
    [
      () => ActiveShapeModel.fit([{ ...first, landmarks: undefined as never }]),
      "landmarks must hold 2K numbers; got none",
    ],
    [() => ActiveShapeModel.fit([{ ...first, landmarks: [1, 2, 3] }]), "landmarks must hold 2K numbers; got 3"],
    [() => ActiveShapeModel.fit(samples, { scheme: ibug68 }), "landmarks of sample 0 must have 136 numbers; got 32"],
    [() => ActiveShapeModel.fit([{ ...first, box: [5, 5, 5, 9] }]), "box must be [x0, y0, x1, y1] with x1 > x0"],
    [() => ActiveShapeModel.fit(samples, { levels: 0 }), "levels must be an integer from 1 to 5; got 0"],
    [() => ActiveShapeModel.fit(samples, { variance: 2 }), "variance must be in (0, 1]; got 2"],
    [async () => model.search({ ...first.image, width: 99 }, first.box), "image must hold 1, 3 or 4 bytes a pixel"],
    [async () => model.search(first.image, [0, 0, Number.NaN, 1]), "box must be [x0, y0, x1, y1]"],
    [async () => model.search(first.image, [500, 20, 560, 80]), "box must overlap the picture of 100 x 100"],
    [async () => model.search(first.image, [-1e9, -1e9, 1e9, 1e9]), "box must not be far larger than the picture"],
    [async () => model.search(first.image, first.box, { clip: 0 }), "clip must be > 0; got 0"],
    [async () => model.search(first.image, first.box, { reach: 2 } as never), 'unknown option "reach"'],
  ])("throws a clear error (%#)", async (run, message) => {
    await expect(run()).rejects.toThrow(message);
  });
});
