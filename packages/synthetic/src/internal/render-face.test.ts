import { cofw29, createRandom, ibug68, type LandmarkScheme, wflw98 } from "@acr/core";
import { Canvas, SUPERSAMPLING } from "./canvas.js";
import { FaceCurves, type Side } from "./face-curves.js";
import { drawFaceParameters, type FaceParameters, type Pose } from "./face-parameters.js";
import { HeadSurface, type Point3 } from "./head-surface.js";
import { renderFace } from "./render-face.js";

const SIZE = 128;
const canvas = new Canvas(SIZE);
const draw = (seed: number, plain = true, maxYawDegrees = 75) =>
  drawFaceParameters(createRandom(seed), { maxYawDegrees, occlusionProbability: 0, plain });
const render = (parameters: FaceParameters, scheme: LandmarkScheme = ibug68) =>
  renderFace(parameters, scheme, canvas, createRandom(0), true);

/** What the flipped picture shows. */
function mirrored({ identity, expression, pose, ...rest }: FaceParameters): FaceParameters {
  const swap = ([right, left]: readonly [number, number]): [number, number] => [left, right];
  return {
    ...rest,
    identity,
    expression: {
      ...expression,
      smile: swap(expression.smile),
      browRaise: swap(expression.browRaise),
      eyeClosure: swap(expression.eyeClosure),
      gaze: [-expression.gaze[0], expression.gaze[1]],
      jawShift: -expression.jawShift,
    },
    pose: {
      ...pose,
      yawDegrees: -pose.yawDegrees,
      rollDegrees: -pose.rollDegrees,
      boxCentre: [1 - pose.boxCentre[0], pose.boxCentre[1]],
    },
  };
}

/** The projection again, from its definition: three rotations in turn, then a pinhole, then scale and shift. */
function viewOf(pose: Pose) {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  return ([px, py, pz]: Point3): [number, number] => {
    let [x, y, z] = [px, py + 0.4, pz + 0.5];
    const [p, w, r] = [pose.pitchDegrees, pose.yawDegrees, pose.rollDegrees].map(radians) as [number, number, number];
    [y, z] = [y * Math.cos(p) + z * Math.sin(p), z * Math.cos(p) - y * Math.sin(p)];
    [x, z] = [x * Math.cos(w) + z * Math.sin(w), z * Math.cos(w) - x * Math.sin(w)];
    [x, y] = [x * Math.cos(r) - y * Math.sin(r), x * Math.sin(r) + y * Math.cos(r)];
    const nearness = pose.cameraDistance / (pose.cameraDistance - z);
    return [x * nearness, -y * nearness];
  };
}

/** 68-point index and the place on the head that the painter draws to. */
const DRAWN: readonly [number, (curves: FaceCurves) => Point3][] = [
  ...[-1, 1].flatMap((s): [number, (curves: FaceCurves) => Point3][] => {
    const side = s as Side;
    return [
      [side < 0 ? 36 : 45, (c) => c.lid(side, "upper", 0)],
      [side < 0 ? 39 : 42, (c) => c.lid(side, "lower", 1)],
      [side < 0 ? 37 : 44, (c) => c.lid(side, "upper", 1 / 3)],
      [side < 0 ? 40 : 47, (c) => c.lid(side, "lower", 2 / 3)],
      [side < 0 ? 17 : 26, (c) => c.brow(side, "upper", 0)],
      [side < 0 ? 19 : 24, (c) => c.brow(side, "upper", 0.5)],
      [side < 0 ? 21 : 22, (c) => c.brow(side, "upper", 1)],
    ];
  }),
  ...Array.from({ length: 9 }, (_, k): [number, (c: FaceCurves) => Point3] => [27 + k, (c) => c.nose(k)]),
  ...Array.from({ length: 20 }, (_, k): [number, (c: FaceCurves) => Point3] => [48 + k, (c) => c.mouth(k)]),
];

describe("renderFace() annotates the projections of the places that are drawn", () => {
  it.each([1, 2, 3, 4, 5, 6])("to 1e-3 px (face %i)", (seed) => {
    const parameters = draw(seed);
    const { identity, expression, pose } = parameters;
    const curves = new FaceCurves(new HeadSurface(identity, expression), identity, expression);
    const view = viewOf(pose);
    const places = DRAWN.map(([, at]) => view(at(curves)));
    const { landmarks } = render(parameters);
    const found = DRAWN.map(([k]) => [landmarks[2 * k]!, landmarks[2 * k + 1]!] as const);
    // Scale and shift of the cut-out follow from two points; all others must then agree.
    const [a, b] = [0, 8];
    const zoom =
      Math.hypot(found[b]![0] - found[a]![0], found[b]![1] - found[a]![1]) /
      Math.hypot(places[b]![0] - places[a]![0], places[b]![1] - places[a]![1]);
    places.forEach(([x, y], i) => {
      expect(Math.abs(found[a]![0] + (x - places[a]![0]) * zoom - found[i]![0])).toBeLessThan(1e-3);
      expect(Math.abs(found[a]![1] + (y - places[a]![1]) * zoom - found[i]![1])).toBeLessThan(1e-3);
    });
    // The box of the 68 points has the size and centre that the pose asks for.
    const xs = Array.from(landmarks).filter((_, k) => k % 2 === 0);
    const ys = Array.from(landmarks).filter((_, k) => k % 2 === 1);
    const [width, height] = [Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)];
    expect(Math.max(width, height)).toBeCloseTo(pose.boxSize * SIZE, 3);
    expect((Math.max(...xs) + Math.min(...xs)) / 2 + 0.5).toBeCloseTo(pose.boxCentre[0] * SIZE, 3);
  });
});

describe("renderFace() mirrors", () => {
  it.each([ibug68, cofw29, wflw98])("the points of $id when everything sided is swapped", (scheme) => {
    for (let seed = 10; seed < 18; seed++) {
      const parameters = draw(seed);
      const [one, two] = [render(parameters, scheme), render(mirrored(parameters), scheme)];
      scheme.mirror.forEach((other, k) => {
        expect(Math.abs(SIZE - 1 - one.landmarks[2 * k]! - two.landmarks[2 * other]!)).toBeLessThan(2e-3);
        expect(Math.abs(one.landmarks[2 * k + 1]! - two.landmarks[2 * other + 1]!)).toBeLessThan(2e-3);
      });
    }
  });
});

describe("renderFace() keeps the jaw of a turned head on its outline", () => {
  it.each([-60, -45, 45, 60])("yaw %i°", (yawDegrees) => {
    for (let seed = 30; seed < 36; seed++) {
      const base = draw(seed);
      const pose = { ...base.pose, yawDegrees, pitchDegrees: 0, rollDegrees: 0 };
      const expression = { ...base.expression, jawShift: 0 };
      const { landmarks } = render({
        ...base,
        expression,
        pose,
        appearance: { ...base.appearance, hairStyle: "bald" },
      });
      // The far cheek is on the side that the nose points to.
      for (const k of yawDegrees > 0 ? [13, 12, 11] : [3, 4, 5]) {
        const [x, y] = [landmarks[2 * k]!, landmarks[2 * k + 1]!];
        const out = Math.sign(yawDegrees);
        const onHead = (shift: number) => {
          const column = Math.round((x + out * shift + 0.5) * SUPERSAMPLING - 0.5);
          const row = Math.round((y + 0.5) * SUPERSAMPLING - 0.5);
          return canvas.depth[row * canvas.size + column]! > -1;
        };
        expect([seed, k, onHead(-1.5)]).toEqual([seed, k, true]);
        expect([seed, k, onHead(1.5)]).toEqual([seed, k, false]);
      }
    }
  });
});

describe("renderFace() hides what an occluder covers", () => {
  it("a mask hides the mouth and the chin, dark glasses the eyes, and nothing else", () => {
    for (let seed = 50; seed < 56; seed++) {
      const base = draw(seed, true, 15);
      const masked = render({ ...base, appearance: { ...base.appearance, occluder: "mask" } }).visible;
      const shaded = render({ ...base, appearance: { ...base.appearance, glasses: "sun" } }).visible;
      const bare = render(base).visible;
      const { outerMouth, innerMouth, rightEye, leftEye, rightEyebrow, leftEyebrow } = ibug68.groups;
      for (const k of [...outerMouth!, ...innerMouth!, 8]) expect([seed, k, masked[k]]).toEqual([seed, k, 0]);
      for (const k of [...rightEyebrow!, ...leftEyebrow!, ...rightEye!, ...leftEye!]) expect(masked[k]).toBe(bare[k]);
      for (const k of [...rightEye!, ...leftEye!]) expect([seed, k, shaded[k]]).toEqual([seed, k, 0]);
      for (const k of [...outerMouth!, ...innerMouth!, 8]) expect(shaded[k]).toBe(bare[k]);
    }
  });

  it("a head turned by 70° hides its far eye corner or nostril, and no near one", () => {
    let far = 0;
    for (let seed = 60; seed < 72; seed++) {
      const base = draw(seed);
      const pose = { ...base.pose, yawDegrees: 70, pitchDegrees: 0, rollDegrees: 0 };
      const { visible } = render({ ...base, pose, appearance: { ...base.appearance, hairStyle: "bald" } });
      far += [35, 42, 45].some((k) => visible[k] === 0) ? 1 : 0;
      for (const k of [31, 36, 48]) expect([seed, k, visible[k]]).toEqual([seed, k, 1]);
    }
    expect(far).toBeGreaterThan(8);
  });
});
