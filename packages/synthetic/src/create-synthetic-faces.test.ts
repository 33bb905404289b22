import { cofw29, type Face, type FaceDataset, InvalidArgumentError, ibug68, wflw98 } from "@acr/core";
import { createSyntheticFaces, type SyntheticFacesOptions } from "./create-synthetic-faces.js";

const list = async (faces: FaceDataset): Promise<Face[]> => {
  const out: Face[] = [];
  for await (const face of faces) out.push(face);
  return out;
};
const bytes = (face: Face) => Buffer.from(face.image.data);
const point = (face: Face, index: number): [number, number] => [
  face.landmarks[2 * index]!,
  face.landmarks[2 * index + 1]!,
];
/** Mean of a channel over a small square. */
const colourAt = ({ image }: Face, [x, y]: readonly [number, number], radius: number): [number, number, number] => {
  const sum: [number, number, number] = [0, 0, 0];
  let count = 0;
  for (let j = Math.round(y) - radius; j <= Math.round(y) + radius; j++) {
    for (let i = Math.round(x) - radius; i <= Math.round(x) + radius; i++) {
      const at = (j * image.width + i) * 3;
      for (let c = 0; c < 3; c++) sum[c] = sum[c]! + image.data[at + c]!;
      count++;
    }
  }
  return sum.map((value) => value / count) as [number, number, number];
};
const luma = ([r, g, b]: readonly [number, number, number]) => 0.299 * r + 0.587 * g + 0.114 * b;

describe("createSyntheticFaces(options) is deterministic", () => {
  const options: SyntheticFacesOptions = { count: 12, seed: 7, imageSize: 64 };

  it("gives the same bytes, points, flags and tags for the same seed", async () => {
    const [first, second] = [await list(createSyntheticFaces(options)), await list(createSyntheticFaces(options))];
    expect(second).toEqual(first);
    expect(first.map((face) => face.id)).toEqual(first.map((_, i) => `synthetic-7-${i}`));
  });

  it("gives face i whatever was asked for before, and whatever the count", async () => {
    const inOrder = await list(createSyntheticFaces(options));
    const faces = createSyntheticFaces({ ...options, count: 500 });
    for (const i of [11, 3, 3, 8, 0]) expect(await faces.get(i)).toEqual(inOrder[i]);
    const together = await Promise.all([5, 2, 9].map((i) => faces.get(i)));
    expect(together).toEqual([inOrder[5], inOrder[2], inOrder[9]]);
  });

  it("leaves nothing of the face before in a soft edge", async () => {
    // Scarves and hats of these faces blend where nothing else is drawn.
    const faces = createSyntheticFaces({ ...options, seed: 5, count: 400 });
    for (const i of [224, 268, 365, 394]) {
      await faces.get(i - 1);
      expect(
        bytes(await faces.get(i)).equals(bytes(await createSyntheticFaces({ ...options, seed: 5, count: 400 }).get(i))),
      ).toBe(true);
    }
  });

  it("describe(i) tells the same labels without painting", async () => {
    const faces = createSyntheticFaces({ ...options, scheme: "wflw98", maxYawDegrees: 75 });
    for (let i = 0; i < faces.length; i++) {
      const { image: _, visible: __, ...labels } = await faces.get(i);
      expect(faces.describe(i)).toEqual(labels);
    }
    expect(() => faces.describe(12)).toThrow(InvalidArgumentError);
  });

  it("never hands out memory that a later face overwrites", async () => {
    const faces = createSyntheticFaces(options);
    const face = await faces.get(0);
    const before = bytes(face);
    await faces.get(1);
    expect(bytes(face).equals(before)).toBe(true);
  });

  it("draws other people for other seeds, texts included", async () => {
    const seen = new Set<string>();
    for (const seed of [0, 1, "1", "train:0", "held-out:test", -2.5]) {
      for (const face of await list(createSyntheticFaces({ ...options, count: 8, seed })))
        seen.add(Array.from(face.landmarks).join());
    }
    // 1 and "1" are the same seed.
    expect(seen.size).toBe(5 * 8);
  });

  it("keeps the numbers of a known face, so that a change of the geometry is noticed", async () => {
    const face = await createSyntheticFaces({ count: 1, seed: 1 }).get(0);
    const shown = [0, 8, 30, 36, 45, 57].flatMap((k) => point(face, k)).map((value) => Number(value.toFixed(1)));
    expect(shown).toEqual(KNOWN_FACE);
  });
});

/** Points 0, 8, 30, 36, 45 and 57 of face 0 of seed 1; replace them when the geometry is meant to change. */
const KNOWN_FACE = [34.8, 48.3, 59.8, 90.2, 47.7, 62.2, 38.2, 47.3, 67.7, 41.3, 54.9, 77];

describe("createSyntheticFaces({ scheme }) annotates one geometry in three schemes", () => {
  /** The same place of the face: indices in ibug68, cofw29 and wflw98. */
  const SAME: readonly (readonly [number, number, number])[] = [
    [8, 28, 16],
    [17, 0, 33],
    [26, 1, 46],
    [30, 20, 54],
    [31, 18, 55],
    [33, 21, 57],
    [35, 19, 59],
    [36, 8, 60],
    [39, 10, 64],
    [42, 11, 68],
    [45, 9, 72],
    [48, 22, 76],
    [51, 24, 79],
    [54, 23, 82],
    [57, 27, 85],
    [62, 25, 90],
    [66, 26, 94],
  ];

  it("paints the same picture and puts shared points in the same place", async () => {
    const common = { count: 6, seed: 3, imageSize: 96, maxYawDegrees: 75, occlusionProbability: 0.3 };
    const [a, b, c] = await Promise.all(
      [ibug68, "cofw29", wflw98].map((scheme) => list(createSyntheticFaces({ ...common, scheme }))),
    );
    a!.forEach((face, i) => {
      expect(bytes(b![i]!).equals(bytes(face))).toBe(true);
      expect(bytes(c![i]!).equals(bytes(face))).toBe(true);
      for (const [in68, in29, in98] of SAME) {
        expect(point(b![i]!, in29)).toEqual(point(face, in68));
        expect(point(c![i]!, in98)).toEqual(point(face, in68));
        expect(b![i]!.visible![in29]).toBe(face.visible![in68]);
        expect(c![i]!.visible![in98]).toBe(face.visible![in68]);
      }
      // The 98 points hold every jaw point of the 68 at even places.
      for (let k = 0; k <= 16; k++) expect(point(c![i]!, 2 * k)).toEqual(point(face, k));
    });
    expect([a![0]!.scheme, b![0]!.scheme, c![0]!.scheme]).toEqual([ibug68, cofw29, wflw98]);
  });

  it.each(["ibug68", "cofw29", "wflw98"])(
    "keeps every point of %s inside the picture and the box tight",
    async (scheme) => {
      const size = 40;
      const faces = createSyntheticFaces({ count: 60, seed: 11, imageSize: size, scheme, maxYawDegrees: 75 });
      for await (const { landmarks, visible, box } of faces) {
        const values = Array.from(landmarks);
        const xs = values.filter((_, k) => k % 2 === 0);
        const ys = values.filter((_, k) => k % 2 === 1);
        expect(values.every((value) => value > -0.5 && value < size - 0.5)).toBe(true);
        expect(box).toEqual([Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]);
        expect(Array.from(visible!).every((flag) => flag === 0 || flag === 1)).toBe(true);
        expect(visible).toHaveLength(values.length / 2);
      }
    },
  );
});

describe("createSyntheticFaces() draws where it annotates, as the pixels themselves tell", () => {
  it("has dark pupils in light eyes, lips redder than the cheeks and brows darker than the forehead", async () => {
    const faces = createSyntheticFaces({
      count: 40,
      seed: 21,
      scheme: wflw98,
      imageSize: 224,
      appearance: "plain",
      maxYawDegrees: 20,
    });
    let [pupils, eyes, lips, brows, total] = [0, 0, 0, 0, 0];
    for await (const face of faces) {
      const open = point(face, 66)[1] - point(face, 62)[1];
      if (open < 6) continue;
      total++;
      const middle = (a: number, b: number, t = 0.5): [number, number] => {
        const [p, q] = [point(face, a), point(face, b)];
        return [p[0] + (q[0] - p[0]) * t, p[1] + (q[1] - p[1]) * t];
      };
      const cheek = colourAt(face, middle(55, 5), 3);
      if (luma(colourAt(face, point(face, 96), 0)) < 0.7 * luma(cheek)) pupils++;
      // The white of the eye: between a corner and the pupil there is something lighter than the iris.
      const white = Math.max(
        luma(colourAt(face, middle(60, 96, 0.3), 0)),
        luma(colourAt(face, middle(64, 96, 0.4), 0)),
      );
      if (white > luma(colourAt(face, point(face, 96), 1)) + 25) eyes++;
      const lip = colourAt(face, middle(94, 85), 1);
      if (lip[0] / (lip[1] + 1) > 1.08 * (cheek[0] / (cheek[1] + 1))) lips++;
      const forehead = colourAt(face, [middle(37, 42)[0], middle(37, 42)[1] - 12], 2);
      if (luma(colourAt(face, middle(35, 39), 1)) < 0.85 * luma(forehead)) brows++;
    }
    expect(total).toBeGreaterThan(10);
    const shares = { pupils, eyes, lips, brows };
    for (const [part, hits] of Object.entries(shares)) expect([part, hits / total > 0.9]).toEqual([part, true]);
  });
});

describe("createSyntheticFaces() flags what cannot be seen", () => {
  const hiddenShare = async (options: SyntheticFacesOptions) => {
    let [hidden, total] = [0, 0];
    for await (const { visible } of createSyntheticFaces({ imageSize: 48, ...options })) {
      for (const flag of Array.from(visible!)) hidden += 1 - flag;
      total += visible!.length;
    }
    return hidden / total;
  };

  it("hides about 23 % of the points of cofw29, as COFW does", async () => {
    const share = await hiddenShare({ count: 250, seed: 5, scheme: "cofw29" });
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.27);
  });

  it("sees every point of a plain face that looks at the camera", async () => {
    expect(await hiddenShare({ count: 20, seed: 5, appearance: "plain", maxYawDegrees: 0 })).toBeLessThan(0.01);
  });

  it("hides more of a turned head, and more the more faces are covered", async () => {
    const frontal = await hiddenShare({ count: 40, seed: 5, appearance: "plain", maxYawDegrees: 10 });
    const turned = await hiddenShare({ count: 40, seed: 5, appearance: "plain", maxYawDegrees: 75 });
    expect(turned).toBeGreaterThan(frontal + 0.02);
    const bare = await hiddenShare({ count: 40, seed: 5, occlusionProbability: 0 });
    const covered = await hiddenShare({ count: 40, seed: 5, occlusionProbability: 1 });
    expect(covered).toBeGreaterThan(bare + 0.15);
  });

  it("tags pose and accessories, within the limits that were asked for", async () => {
    const faces = await list(createSyntheticFaces({ count: 80, seed: 8, imageSize: 32, maxYawDegrees: 30 }));
    const yaws = faces.map((face) => face.tags.yawDegrees as number);
    expect(Math.max(...yaws.map(Math.abs))).toBeLessThanOrEqual(30);
    expect(Math.max(...yaws)).toBeGreaterThan(15);
    expect(Math.min(...yaws)).toBeLessThan(-15);
    for (const tag of ["hairStyle", "beard", "glasses", "occluder"])
      expect(new Set(faces.map((face) => face.tags[tag])).size).toBeGreaterThan(2);
    for (const tag of ["expression", "illumination", "makeup", "occlusion", "blur"]) {
      const share = faces.filter((face) => face.tags[tag] === true).length / faces.length;
      expect([tag, share > 0.01 && share < 0.6]).toEqual([tag, true]);
    }
    // A positive yaw turns the nose to the image's right of the eyes' middle.
    for (const face of faces.filter(({ tags }) => Math.abs(tags.yawDegrees as number) > 15)) {
      const [nose, right, left] = [point(face, 30), point(face, 36), point(face, 45)];
      const along =
        (nose[0] - (right[0] + left[0]) / 2) * (left[0] - right[0]) +
        (nose[1] - (right[1] + left[1]) / 2) * (left[1] - right[1]);
      expect(Math.sign(along)).toBe(Math.sign(face.tags.yawDegrees as number));
    }
  });
});

describe("createSyntheticFaces(options) refuses what it cannot do", () => {
  it.each<[Record<string, unknown>, string]>([
    [{ count: 0 }, "count must be an integer >= 1; got 0"],
    [{ count: 2.5 }, "count must be an integer >= 1; got 2.5"],
    [{ count: Number.NaN }, "count must be an integer >= 1; got NaN"],
    [{ count: Number.POSITIVE_INFINITY }, "count must be an integer >= 1; got Infinity"],
    [{ count: "10" }, "count must be an integer >= 1; got 10"],
    [{ seed: Number.NaN }, "seed must be a finite number"],
    [{ seed: null }, "seed must be a finite number"],
    [{ imageSize: 31 }, "imageSize must be an integer from 32 to 1024; got 31"],
    [{ imageSize: 1025 }, "imageSize must be an integer from 32 to 1024; got 1025"],
    [{ imageSize: Number.NaN }, "imageSize must be an integer from 32 to 1024; got NaN"],
    [{ maxYawDegrees: 76 }, "maxYawDegrees must be from 0 to 75; got 76"],
    [{ maxYawDegrees: -1 }, "maxYawDegrees must be from 0 to 75; got -1"],
    [{ maxYawDegrees: Number.NaN }, "maxYawDegrees must be from 0 to 75; got NaN"],
    [{ maxYawDegrees: "45" }, "maxYawDegrees must be from 0 to 75; got 45"],
    [{ occlusionProbability: 1.1 }, "occlusionProbability must be from 0 to 1; got 1.1"],
    [{ occlusionProbability: Number.NaN }, "occlusionProbability must be from 0 to 1; got NaN"],
    [{ appearance: "ugly" }, 'appearance must be "varied" or "plain"; got ugly'],
    [{ scheme: "ibug86" }, 'unknown scheme "ibug86"; did you mean ibug68?'],
    [{ scheme: 68 }, "scheme must be"],
    [{ scheme: null }, "scheme must be"],
    [{ imagesize: 64 }, 'unknown option "imagesize". Did you mean imageSize?'],
  ])("%p", (options, message) => {
    const call = () => createSyntheticFaces(options as SyntheticFacesOptions);
    expect(call).toThrow(InvalidArgumentError);
    expect(call).toThrow(message);
  });

  it.each([-1, 5, 1.5, Number.NaN, "0"])("get(%p) of five faces", async (index) => {
    const faces = createSyntheticFaces({ count: 5, imageSize: 32 });
    await expect(faces.get(index as number)).rejects.toThrow("index must be an integer from 0 to 4");
    await expect(faces.get(index as number)).rejects.toBeInstanceOf(InvalidArgumentError);
  });
});
