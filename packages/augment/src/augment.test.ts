import { applyAffine, createRandom } from "@acr/core";
import {
  blur,
  colorJitter,
  compose,
  defaultAugmentation,
  gamma,
  grayscale,
  noise,
  occlude,
  paperAugmentation,
  randomAffine,
  randomFlip,
  strongAugmentation,
} from "./index.js";

const picture = (value = 100) => ({
  width: 20,
  height: 16,
  data: new Uint8Array(20 * 16 * 3).map((_, i) => (value + 13 * i) % 256),
});
const photometrics = {
  blur: blur({ probability: 1, sigma: 0.1 }),
  colorJitter: colorJitter(),
  gamma: gamma(),
  grayscale: grayscale({ probability: 1 }),
  noise: noise(),
  occlude: occlude({ probability: 1 }),
};

it.each(Object.entries(photometrics))(
  "%s changes pixels, the same way for the same seed, and moves no point",
  (name, augmentation) => {
    const run = (seed: number) => {
      const image = picture();
      const { photometric, geometry } = augmentation.draw(createRandom(seed));
      expect(geometry).toBeUndefined();
      photometric!(image);
      return [...image.data];
    };
    expect(run(1)).toEqual(run(1));
    if (name !== "grayscale") expect(run(1)).not.toEqual(run(2));
    expect(run(1)).not.toEqual([...picture().data]);
  },
);

it("grayscale() gives equal channels; colorJitter with zero ranges and noise(0) change nothing", () => {
  const image = picture();
  photometrics.grayscale.draw(createRandom(1)).photometric!(image);
  for (let i = 0; i < image.data.length; i += 3) expect(image.data[i]).toBe(image.data[i + 2]);
  for (const augmentation of [colorJitter({ brightness: 0, contrast: 0, color: 0 }), noise({ deviation: 0 })]) {
    const same = picture();
    augmentation.draw(createRandom(1)).photometric!(same);
    expect([...same.data]).toEqual([...picture().data]);
  }
});

it("randomAffine keeps within its ranges and is a similarity", () => {
  const random = createRandom(4);
  for (let i = 0; i < 200; i++) {
    const [a, b, c, d, e, f] = randomAffine().draw(random).geometry!;
    expect([a, b]).toEqual([e, -d]);
    expect(Math.abs(Math.hypot(a, d) - 1)).toBeLessThanOrEqual(0.12 + 1e-12);
    expect(Math.abs(Math.atan2(d, a))).toBeLessThanOrEqual((25 * Math.PI) / 180 + 1e-12);
    expect(Math.max(Math.abs(c), Math.abs(f))).toBeLessThanOrEqual(0.05);
  }
});

it("compose applies geometry in order and cancels two flips", () => {
  const twice = compose([randomFlip({ probability: 1 }), randomFlip({ probability: 1 })]).draw(createRandom(1));
  expect(twice.mirrored).toBe(false);
  expect([...applyAffine(twice.geometry!, [0.2, 0.3])]).toEqual([0.2, 0.3]);
  expect(compose([randomFlip({ probability: 1 })]).draw(createRandom(1)).mirrored).toBe(true);
});

it("presets draw alike for the same seed", () => {
  for (const preset of [defaultAugmentation, paperAugmentation, strongAugmentation]) {
    expect(preset().draw(createRandom(2)).geometry).toEqual(preset().draw(createRandom(2)).geometry);
  }
});

it.each([
  [() => randomAffine({ scale: 1 }), "randomAffine: scale must be in [0, 0.99]; got 1"],
  [() => randomFlip({ probability: 2 }), "randomFlip: probability must be in [0, 1]; got 2"],
  [() => colorJitter({ brigthness: 1 } as never), 'unknown option "brigthness". Did you mean brightness?'],
  [() => occlude({ minimum: 0.5, maximum: 0.2 }), "0 < minimum <= maximum <= 1"],
  [() => compose([randomFlip as never]), "compose: entry 0 must be an augmentation"],
])("throws a clear error (%#)", (run, message) => {
  expect(run).toThrow(message);
});
