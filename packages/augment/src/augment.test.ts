import { applyAffine, applyPixelChanges, createRandom, packPixelChanges } from "@acr/core";
import {
  blur,
  colorJitter,
  compose,
  createAugmentation,
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
  [() => occlude({ minimum: 0.5, maximum: 0.2 }), "0 < minimum <= maximum <= 1; got 0.5 and 0.2"],
  [() => compose([randomFlip as never]), "compose: entry 0 must be an augmentation"],
])("throws a clear error (%#)", (run, message) => {
  expect(run).toThrow(message);
});

it.each([defaultAugmentation, paperAugmentation, strongAugmentation])(
  "createAugmentation rebuilds a preset from its JSON",
  (preset) => {
    const rebuilt = createAugmentation(JSON.parse(JSON.stringify(preset())));
    for (let seed = 0; seed < 20; seed++) {
      const run = (augmentation: ReturnType<typeof preset>) => {
        const image = picture();
        const { geometry, mirrored, photometric } = augmentation.draw(createRandom(seed));
        photometric?.(image);
        return { geometry, mirrored, data: [...image.data] };
      };
      expect(run(rebuilt)).toEqual(run(preset()));
    }
    expect(() => createAugmentation({ name: "blurr" })).toThrow('unknown name "blurr". Did you mean blur?');
  },
);

it("noise({ deviation }) has mean 0 and at most that deviation", () => {
  const random = createRandom(9);
  let largest = 0;
  for (let i = 0; i < 40; i++) {
    const image = { width: 60, height: 60, data: new Uint8Array(60 * 60 * 3).fill(128) };
    noise({ deviation: 12 }).draw(random).photometric!(image);
    const mean = image.data.reduce((sum, value) => sum + value, 0) / image.data.length;
    const deviation = Math.sqrt(image.data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / image.data.length);
    expect(Math.abs(mean - 128)).toBeLessThan(0.5);
    expect(deviation).toBeLessThan(12.3);
    largest = Math.max(largest, deviation);
  }
  expect(largest).toBeGreaterThan(9);
});

it("blur keeps a flat picture and the mean of another, and takes contrast away", () => {
  const flat = { width: 30, height: 30, data: new Uint8Array(2700).fill(200) };
  const dot = { width: 30, height: 30, data: new Uint8Array(2700) };
  dot.data[(15 * 30 + 15) * 3] = 255;
  for (const image of [flat, dot]) blur({ probability: 1, sigma: 0.2 }).draw(createRandom(6)).photometric!(image);
  expect(new Set(flat.data)).toEqual(new Set([200]));
  expect(Math.max(...dot.data)).toBeLessThan(200);
  expect(dot.data[(15 * 30 + 14) * 3]).toBe(dot.data[(15 * 30 + 16) * 3]);
});

it("occlude() at 112 px covers one block of 10 to 39 px a side with one colour", () => {
  const random = createRandom(2);
  const sides = new Set<number>();
  for (let i = 0; i < 300; i++) {
    const image = { width: 112, height: 112, data: new Uint8Array(112 * 112 * 3) };
    const { photometric } = occlude({ probability: 1 }).draw(random);
    photometric!(image);
    const hit = [...Array(112 * 112).keys()].filter(
      (p) => image.data[3 * p]! + image.data[3 * p + 1]! + image.data[3 * p + 2]! > 0,
    );
    const [xs, ys] = [hit.map((p) => p % 112), hit.map((p) => Math.floor(p / 112))];
    const [w, h] = [xs, ys].map((values) => Math.max(...values) - Math.min(...values) + 1) as [number, number];
    expect(hit.length).toBe(w * h);
    sides.add(w).add(h);
  }
  expect([Math.min(...sides), Math.max(...sides)]).toEqual([10, 39]);
});

it("colorJitter follows its formula", () => {
  const image = picture();
  const random = createRandom(8);
  const [bright, contrast] = [1 + random.uniform(-0.3, 0.3), 1 + random.uniform(-0.3, 0.3)];
  const gains = [0, 1, 2].map(() => bright * (1 + random.uniform(-0.15, 0.15)));
  const mean = image.data.reduce((sum, value) => sum + value, 0) / image.data.length;
  const expected = [...image.data].map((value, i) =>
    Math.min(255, Math.max(0, ((value - mean) * contrast + mean) * gains[i % 3]!)),
  );
  colorJitter().draw(createRandom(8)).photometric!(image);
  image.data.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(0.5 + 1e-9));
});

it("blur is the convolution with a cut, normalised Gaussian, within 0.6 levels, at every width up to its largest", () => {
  const { width, height } = picture();
  const share = 0.2;
  for (let seed = 0; seed < 30; seed++) {
    const sigma = (() => {
      const random = createRandom(seed);
      random.chance(1);
      return random.uniform(0, share) * width;
    })();
    const radius = Math.ceil(2.5 * sigma);
    const weight = (k: number) => Math.exp((-k * k) / (2 * sigma * sigma));
    const taps = Array.from({ length: 2 * radius + 1 }, (_, i) => i - radius);
    const total = taps.reduce((sum, k) => sum + weight(k), 0);
    const clamp = (value: number, count: number) => Math.min(count - 1, Math.max(0, value));
    const source = picture(seed * 17).data;
    const convolve = (levels: ArrayLike<number>, axis: 0 | 1) =>
      Array.from({ length: source.length }, (_, o) => {
        const [channel, x, y] = [o % 3, Math.floor(o / 3) % width, Math.floor(o / 3 / width)];
        return taps.reduce((sum, k) => {
          const [u, v] = axis === 0 ? [clamp(x + k, width), y] : [x, clamp(y + k, height)];
          return sum + (weight(k) / total) * levels[(v * width + u) * 3 + channel]!;
        }, 0);
      });
    const expected = radius < 1 ? Array.from(source) : convolve(convolve(source, 0), 1);
    const image = picture(seed * 17);
    blur({ probability: 1, sigma: share }).draw(createRandom(seed)).photometric!(image);
    expect(Math.max(...expected.map((value, i) => Math.abs(value - image.data[i]!)))).toBeLessThanOrEqual(0.6);
  }
});

it("compose of tones gives exactly what they give one after the other, whatever stands between them", () => {
  const parts = [
    colorJitter({ color: 0.4 }),
    gamma(),
    colorJitter(),
    grayscale({ probability: 0.5 }),
    gamma({ probability: 0.5 }),
    noise({ probability: 0.5 }),
    colorJitter(),
  ];
  for (let seed = 0; seed < 20; seed++) {
    // An odd place in memory, and clamped arrays as canvases have them.
    const make = [
      () => picture(),
      () => ({ ...picture(), data: new Uint8Array(new ArrayBuffer(964), 3, 960).map((_, i) => (13 * i) % 256) }),
      () => ({ ...picture(), data: new Uint8ClampedArray(picture(7).data) }),
      () => ({ ...picture(), data: new Uint8Array(new ArrayBuffer(970), 5, 960).fill(seed * 12) }),
    ][seed % 4]!;
    const [together, apart] = [make(), make()];
    compose(parts).draw(createRandom(seed)).photometric!(together);
    const random = createRandom(seed);
    for (const { photometric } of parts.map((part) => part.draw(random))) photometric?.(apart);
    expect([...together.data]).toEqual([...apart.data]);
  }
});

it("noise stays within 0 and 255, in clamped arrays too", () => {
  for (const Kind of [Uint8Array, Uint8ClampedArray])
    for (const level of [0, 255]) {
      const image = { width: 20, height: 20, data: new Kind(1200).fill(level) };
      noise({ deviation: 255 }).draw(createRandom(3)).photometric!(image);
      // Half of the noise points outwards and is cut off.
      const kept = image.data.filter((value) => value === level).length;
      expect(kept).toBeGreaterThan(500);
      expect(kept).toBeLessThan(750);
    }
});

describe("photometric.defer(image)", () => {
  const parts = Object.values(photometrics);
  it.each([
    ...Object.entries(photometrics),
    ["paperAugmentation", paperAugmentation()],
    ["defaultAugmentation", defaultAugmentation()],
    ["strongAugmentation", strongAugmentation()],
    ["all in turn", compose(parts)],
    ["all in turn, one composed of others", compose([gamma(), compose([...parts, colorJitter()]), gamma(), parts[5]!])],
    ["two blocks", compose([occlude({ probability: 1 }), colorJitter(), grayscale(), occlude(), occlude()])],
  ] as const)("%s: what it leaves gives the same pixels afterwards", (_, augmentation) => {
    let deferred = 0;
    for (let seed = 0; seed < 40; seed++) {
      const draw = () => augmentation.draw(createRandom(seed)).photometric;
      const [whole, part] = [picture(seed), picture(seed)];
      draw()?.(whole);
      const photometric = draw();
      // Blur and noise by themselves have nothing to leave.
      const rest = photometric?.defer ? photometric.defer(part) : photometric?.(part);
      const between = [...part.data];
      applyPixelChanges(part.data, packPixelChanges([rest ?? undefined]), part);
      expect([...part.data]).toEqual([...whole.data]);
      if (String(between) !== String([...part.data])) deferred++;
    }
    const leavesNothing = augmentation.name === "blur" || augmentation.name === "noise";
    expect(deferred > 0).toBe(!leavesNothing);
  });

  it("leaves all of the default augmentation to the device", () => {
    for (let seed = 0; seed < 20; seed++) {
      const image = picture(seed);
      defaultAugmentation().draw(createRandom(seed)).photometric!.defer!(image);
      expect([...image.data]).toEqual([...picture(seed).data]);
    }
  });

  it("rounds grey as the formula does, at every half too", () => {
    const { photometric } = photometrics.grayscale.draw(createRandom(1));
    for (let red = 0; red < 256; red += 5)
      for (let green = 0; green < 256; green += 3) {
        const data = new Uint8Array(256 * 3).map((_, i) => [red, green, (i / 3) | 0][i % 3]!);
        photometric!({ width: 256, height: 1, data });
        for (let blue = 0; blue < 256; blue++) {
          const luma = Math.floor((299 * red + 587 * green + 114 * blue + 500) / 1000);
          if (data[3 * blue] !== luma) throw new Error(`${[red, green, blue]}: ${data[3 * blue]}, expected ${luma}`);
        }
      }
  });
});
