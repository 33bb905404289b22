import { type Augmentation, createRandom, type Face, ibug68 } from "@acr/core";
import { applyAugmentation, compose, randomAffine, randomFlip } from "./index.js";

/** A dark picture with a smooth dot whose centre is landmark `k`. */
function dotted(k: number, [x, y]: [number, number], size = { width: 80, height: 80 }): Face {
  const image = { ...size, data: new Uint8Array(size.width * size.height * 3) };
  for (let row = 0; row < size.height; row++) {
    for (let column = 0; column < size.width; column++) {
      image.data.fill(
        Math.round(250 * Math.exp(-((column - x) ** 2 + (row - y) ** 2) / 18)),
        (row * size.width + column) * 3,
        (row * size.width + column) * 3 + 3,
      );
    }
  }
  const landmarks = new Float64Array(136);
  landmarks.set([x, y], 2 * k);
  const visible = new Uint8Array(68);
  visible[k] = 1;
  return { id: "dot", image, landmarks, visible, box: [x - 8, y - 6, x + 8, y + 6], scheme: ibug68, tags: {} };
}

/** Centre of mass of the light. */
function centre({ image: { width, data } }: Face): [number, number] {
  let [mass, x, y] = [0, 0, 0];
  for (let i = 0; i < data.length; i += 3) {
    mass += data[i]!;
    x += data[i]! * ((i / 3) % width);
    y += data[i]! * Math.floor(i / 3 / width);
  }
  return [x / mass, y / mass];
}

const geometries: [string, Augmentation, number][] = [
  ["randomFlip", randomFlip({ probability: 1 }), ibug68.mirror[36]!],
  ["randomAffine", randomAffine({ rotationDegrees: 60, scale: 0.3, shift: 0.1 }), 36],
  ["flip and turn", compose([randomFlip({ probability: 1 }), randomAffine()]), ibug68.mirror[36]!],
];

describe.each([
  { width: 80, height: 80 },
  { width: 90, height: 70 },
])("applyAugmentation on %p", (size) => {
  it.each(geometries)(
    "%s keeps a dot at its landmark, renumbered where mirrored, inside its box",
    (_, augmentation, k) => {
      const random = createRandom(5);
      for (let i = 0; i < 10; i++) {
        const moved = applyAugmentation(augmentation, dotted(36, [47.3, 31.8], size), { random });
        const [x, y] = centre(moved);
        expect(Math.hypot(x - moved.landmarks[2 * k]!, y - moved.landmarks[2 * k + 1]!)).toBeLessThan(0.05);
        expect(Array.from(moved.visible!).indexOf(1)).toBe(k);
        expect(x > moved.box[0] && x < moved.box[2] && y > moved.box[1] && y < moved.box[3]).toBe(true);
      }
    },
  );
});

it("applyAugmentation leaves its argument alone and is repeatable", () => {
  const face = dotted(30, [40, 40]);
  const before = [...face.image.data];
  const run = () => applyAugmentation(compose([randomAffine(), randomFlip()]), face, { random: createRandom(3) });
  expect([...run().image.data]).toEqual([...run().image.data]);
  expect([...face.image.data]).toEqual(before);
  expect(() => applyAugmentation(randomFlip(), face, { randm: 1 } as never)).toThrow(
    'applyAugmentation: unknown option "randm". Did you mean random?',
  );
});
