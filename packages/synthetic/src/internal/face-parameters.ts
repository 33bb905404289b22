import type { Random } from "@acr/core";

/** Red, green, blue in [0, 1]. */
export type Colour = readonly [number, number, number];

/** One value for the subject's right side (left of an upright picture) and one for the left. */
export type Sides = readonly [right: number, left: number];

/** Identity in standard deviations of each trait; 0 is the mean face. */
export interface Identity {
  readonly faceWidth: number;
  readonly jawWidth: number;
  readonly chinWidth: number;
  readonly chinLength: number;
  readonly faceLength: number;
  readonly foreheadHeight: number;
  readonly faceDepth: number;
  readonly cheekbones: number;
  readonly eyeSpacing: number;
  readonly eyeWidth: number;
  readonly eyeAperture: number;
  readonly eyeTilt: number;
  readonly browHeight: number;
  readonly browArch: number;
  readonly browTilt: number;
  readonly browThickness: number;
  readonly browLength: number;
  readonly noseLength: number;
  readonly noseWidth: number;
  readonly noseProjection: number;
  readonly noseBridge: number;
  readonly noseUpturn: number;
  readonly mouthWidth: number;
  readonly mouthHeight: number;
  readonly upperLip: number;
  readonly lowerLip: number;
}

export interface Expression {
  /** Gap between the lips: 0 closed, 1 wide open. */
  readonly mouthOpen: number;
  /** Corners of the mouth: −1 down, 0 neutral, 1 broad smile; each side by itself. */
  readonly smile: Sides;
  /** 0 neutral, 1 lips rounded. */
  readonly pucker: number;
  /** −1 frown, 0 neutral, 1 raised. */
  readonly browRaise: Sides;
  /** 0 as open as the identity has it, 1 closed. */
  readonly eyeClosure: Sides;
  /** Direction of both eyes, −1 … 1: x to the image's right, y up. */
  readonly gaze: readonly [x: number, y: number];
  /** Sideways shift of the lower jaw, −1 … 1. */
  readonly jawShift: number;
}

export interface Pose {
  /** Positive turns the nose to the image's right. */
  readonly yawDegrees: number;
  /** Positive looks up. */
  readonly pitchDegrees: number;
  /** Positive turns the head counter-clockwise as seen. */
  readonly rollDegrees: number;
  /** Camera to head centre, in distances between outer eye corners: small is a near wide-angle lens. */
  readonly cameraDistance: number;
  /** Longer side of the landmark box over the image size. */
  readonly boxSize: number;
  /** Centre of the landmark box over the image size. */
  readonly boxCentre: readonly [x: number, y: number];
}

export interface Light {
  /** Unit vector to the key light; x right, y up, z to the camera. */
  readonly direction: readonly [number, number, number];
  readonly key: Colour;
  readonly ambient: Colour;
  readonly shine: number;
}

export type HairStyle = "bald" | "buzzed" | "short" | "bob" | "long" | "hat";
export type BeardStyle = "none" | "stubble" | "moustache" | "goatee" | "full";
export type GlassesStyle = "none" | "thin" | "thick" | "sun";
export type OccluderKind = "none" | "hand" | "block" | "lock" | "mask" | "scarf" | "object";

export interface Appearance {
  readonly skin: Colour;
  readonly lips: Colour;
  readonly paintedLips: boolean;
  readonly hair: Colour;
  readonly iris: Colour;
  readonly hairStyle: HairStyle;
  /** Hair over the forehead: 0 none, 1 down to the brows. */
  readonly fringe: number;
  readonly hairVolume: number;
  /** Forehead side on which the hair parts, −1 … 1. */
  readonly parting: number;
  readonly browStrength: number;
  readonly beard: BeardStyle;
  readonly beardStrength: number;
  readonly glasses: GlassesStyle;
  readonly glassesColour: Colour;
  readonly glassesRoundness: number;
  readonly occluder: OccluderKind;
  readonly cloth: Colour;
  readonly blush: number;
  readonly eyeShadow: number;
  readonly wrinkles: number;
}

export interface CameraEffects {
  /** Standard deviation of the blur in pixels. */
  readonly blurPixels: number;
  /** Standard deviation of the sensor noise, of 255. */
  readonly noise: number;
  /** Quantisation step of the 8 × 8 block transform, of 255; 0 leaves it out. */
  readonly blockStep: number;
  readonly gamma: number;
  readonly contrast: number;
  readonly brightness: number;
  readonly balance: Colour;
  readonly saturation: number;
}

/** Everything that determines one picture and its annotation, textures aside. */
export interface FaceParameters {
  readonly identity: Identity;
  readonly expression: Expression;
  readonly pose: Pose;
  readonly light: Light;
  readonly appearance: Appearance;
  readonly effects: CameraEffects;
}

export interface DrawOptions {
  readonly maxYawDegrees: number;
  readonly occlusionProbability: number;
  readonly plain: boolean;
}

const TRAITS: readonly (keyof Identity)[] = [
  "faceWidth",
  "jawWidth",
  "chinWidth",
  "chinLength",
  "faceLength",
  "foreheadHeight",
  "faceDepth",
  "cheekbones",
  "eyeSpacing",
  "eyeWidth",
  "eyeAperture",
  "eyeTilt",
  "browHeight",
  "browArch",
  "browTilt",
  "browThickness",
  "browLength",
  "noseLength",
  "noseWidth",
  "noseProjection",
  "noseBridge",
  "noseUpturn",
  "mouthWidth",
  "mouthHeight",
  "upperLip",
  "lowerLip",
];

export const MEAN_IDENTITY: Identity = Object.fromEntries(TRAITS.map((trait) => [trait, 0])) as unknown as Identity;

const SKINS: readonly Colour[] = [
  [0.96, 0.82, 0.74],
  [0.9, 0.72, 0.6],
  [0.8, 0.6, 0.46],
  [0.62, 0.43, 0.31],
  [0.44, 0.29, 0.21],
  [0.29, 0.19, 0.15],
];
const HAIRS: readonly Colour[] = [
  [0.06, 0.05, 0.05],
  [0.12, 0.08, 0.06],
  [0.25, 0.15, 0.09],
  [0.42, 0.27, 0.15],
  [0.72, 0.55, 0.33],
  [0.48, 0.2, 0.1],
  [0.6, 0.6, 0.6],
  [0.85, 0.84, 0.82],
];
const HAIR_STYLES: readonly HairStyle[] = [
  ...(["bald", "buzzed", "buzzed", "short", "short", "short", "short"] as const),
  ...(["bob", "bob", "long", "long", "long", "hat"] as const),
];
const IRISES: readonly Colour[] = [
  [0.2, 0.11, 0.06],
  [0.3, 0.18, 0.09],
  [0.36, 0.4, 0.24],
  [0.32, 0.44, 0.55],
  [0.42, 0.46, 0.48],
];

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));

export const mix = (a: Colour, b: Colour, t: number): Colour => [
  a[0] + (b[0] - a[0]) * t,
  a[1] + (b[1] - a[1]) * t,
  a[2] + (b[2] - a[2]) * t,
];

export const scale = (colour: Colour, factor: number): Colour => [
  colour[0] * factor,
  colour[1] * factor,
  colour[2] * factor,
];

const jitter = (random: Random, colour: Colour, amount: number): Colour => {
  const shift = random.normal(0, amount);
  return colour.map((value) => clamp(value + shift + random.normal(0, amount * 0.4), 0.02, 0.98)) as unknown as Colour;
};

/** A normal draw that never leaves ±`limit` deviations, so that no face is monstrous. */
const bounded = (random: Random, deviation = 1, limit = 2.2) => clamp(random.normal(), -limit, limit) * deviation;

export function randomColour(random: Random): Colour {
  const grey = random.uniform(0.1, 0.9);
  // Strong colours are rare in photographs.
  const strength = 0.5 * random.uniform() ** 2;
  return [0, 1, 2].map(() => clamp(grey + random.uniform(-strength, strength), 0.02, 0.98)) as unknown as Colour;
}

function drawExpression(random: Random): Expression {
  const smile = random.chance(0.5) ? random.uniform(0.2, 1) : random.normal(0, 0.25);
  // A broad smile mostly shows teeth.
  const mouthOpen = random.chance(smile > 0.45 ? 0.2 : 0.55)
    ? 0
    : random.chance(0.75)
      ? random.uniform(0.05, 0.4)
      : random.uniform(0.3, 1);
  const lopsided = random.chance(0.2) ? random.normal(0, 0.25) : 0;
  const raise = random.normal(0, 0.45) + mouthOpen * 0.3;
  const raiseDifference = random.chance(0.15) ? random.normal(0, 0.4) : 0;
  const closure = random.chance(0.1) ? 1 : clamp(random.normal(0.05, 0.22), -0.25, 0.8);
  const wink = random.chance(0.04) ? random.integer(2) : -1;
  return {
    mouthOpen,
    smile: [clamp(smile + lopsided, -0.8, 1.1), clamp(smile - lopsided, -0.8, 1.1)],
    pucker: smile < 0.2 && random.chance(0.15) ? random.uniform(0.2, 1) : 0,
    browRaise: [clamp(raise + raiseDifference, -1, 1.3), clamp(raise - raiseDifference, -1, 1.3)],
    eyeClosure: [wink === 0 ? 1 : closure, wink === 1 ? 1 : closure],
    gaze: [clamp(random.normal(0, 0.4), -1, 1), clamp(random.normal(0, 0.25), -1, 1)],
    jawShift: random.chance(0.1) ? random.normal(0, 0.4) : 0,
  };
}

function drawPose(random: Random, maxYawDegrees: number): Pose {
  // Half of the heads look about, half stand nearly frontal, as in photographs.
  const yawDegrees = random.chance(0.5)
    ? random.uniform(-maxYawDegrees, maxYawDegrees)
    : clamp(random.normal(0, 0.3 * maxYawDegrees), -maxYawDegrees, maxYawDegrees);
  const boxSize = random.uniform(0.44, 0.64);
  // The landmark box enlarged 1.3 times stays in the picture, give or take 4 %.
  const room = Math.max(0, 0.5 - 0.65 * boxSize + 0.04);
  return {
    yawDegrees,
    pitchDegrees: clamp(random.normal(0, 9), -30, 30),
    rollDegrees: clamp(random.normal(0, 12), -38, 38),
    cameraDistance: random.uniform(4.5, 14),
    boxSize,
    boxCentre: [0.5 + random.uniform(-room, room), 0.5 + random.uniform(-room, room)],
  };
}

function drawLight(random: Random, skinLuma: number): Light {
  const azimuth = clamp(random.normal(0, 0.8), -1.5, 1.5);
  const elevation = clamp(random.normal(0.45, 0.4), -0.5, 1.2);
  const hard = random.uniform(0.1, 0.75);
  const warmth = random.normal(0, 0.06);
  const fill = random.normal(0, 0.04);
  // The camera's own exposure makes up for part of a dark skin.
  const level = random.uniform(0.9, 1.2) * clamp(0.62 / skinLuma, 0.9, 2) ** 0.45;
  return {
    direction: [Math.sin(azimuth) * Math.cos(elevation), Math.sin(elevation), Math.cos(azimuth) * Math.cos(elevation)],
    key: [level * hard * (1 + warmth), level * hard, level * hard * (1 - warmth)],
    ambient: [
      level * (1 - 0.75 * hard) * (1 + fill),
      level * (1 - 0.75 * hard),
      level * (1 - 0.75 * hard) * (1 - fill),
    ],
    shine: random.uniform(0, 0.35),
  };
}

const PLAIN_LIGHT: Light = {
  direction: [0, 0.3, 0.954],
  key: [0.4, 0.4, 0.4],
  ambient: [0.65, 0.65, 0.65],
  shine: 0,
};

function drawAppearance(random: Random, occlusionProbability: number, plain: boolean): Appearance {
  const tone = random.uniform(0, SKINS.length - 1.001);
  const skin = jitter(random, mix(SKINS[Math.floor(tone)]!, SKINS[Math.floor(tone) + 1]!, tone % 1), 0.02);
  const darkHair = tone > 2.6 && random.chance(0.85);
  const hair = jitter(random, darkHair ? HAIRS[random.integer(2)]! : random.pick(HAIRS), 0.02);
  const hairStyle = random.pick(HAIR_STYLES);
  const painted = random.chance(hairStyle === "bob" || hairStyle === "long" ? 0.4 : 0.05);
  const bearded = hairStyle !== "bob" && hairStyle !== "long" && random.chance(0.4);
  const beard = random.pick(["stubble", "stubble", "moustache", "goatee", "full", "full"] as const);
  const glasses = random.chance(0.2) ? random.pick(["thin", "thick", "thick", "sun"] as const) : "none";
  const occluder = random.chance(occlusionProbability)
    ? random.pick(["hand", "hand", "hand", "block", "lock", "mask", "scarf", "object"] as const)
    : "none";
  return {
    skin,
    lips: painted
      ? jitter(random, [0.7, 0.15, 0.2], 0.06)
      : mix(scale(skin, 0.82), [0.72, 0.32, 0.32], random.uniform(0.25, 0.6)),
    paintedLips: painted,
    hair,
    iris: darkHair ? IRISES[random.integer(2)]! : random.pick(IRISES),
    hairStyle: plain ? "short" : hairStyle,
    fringe: plain || random.chance(0.6) ? 0 : random.uniform(0.2, 1),
    hairVolume: random.uniform(0.06, 0.2),
    parting: random.uniform(-1, 1),
    browStrength: plain ? 1 : random.uniform(0.45, 1),
    beard: plain || !bearded ? "none" : beard,
    beardStrength: random.uniform(0.5, 0.95),
    glasses: plain ? "none" : glasses,
    glassesColour: random.chance(0.5) ? [0.06, 0.06, 0.07] : randomColour(random),
    glassesRoundness: random.uniform(2, 5),
    occluder: plain ? "none" : occluder,
    cloth: randomColour(random),
    blush: random.uniform(0, 1),
    eyeShadow: random.uniform(0, 1),
    wrinkles: random.uniform(0, 1),
  };
}

const NO_EFFECTS: CameraEffects = {
  blurPixels: 0,
  noise: 0,
  blockStep: 0,
  gamma: 1,
  contrast: 1,
  brightness: 0,
  balance: [1, 1, 1],
  saturation: 1,
};

function drawEffects(random: Random): CameraEffects {
  return {
    blurPixels: random.chance(0.45) ? random.uniform(0.3, 1.3) : 0,
    noise: random.chance(0.5) ? random.uniform(1, 7) : 0,
    blockStep: random.chance(0.3) ? random.uniform(5, 22) : 0,
    gamma: Math.exp(random.normal(0, 0.14)),
    contrast: Math.exp(random.normal(0, 0.14)),
    brightness: random.normal(0, 0.05),
    balance: [1 + random.normal(0, 0.06), 1 + random.normal(0, 0.02), 1 + random.normal(0, 0.07)],
    saturation: random.chance(0.08) ? 0 : random.uniform(0.6, 1.2),
  };
}

/** Draws a face. Each part has a stream of its own, so that a change in one leaves the others as they were. */
export function drawFaceParameters(random: Random, options: DrawOptions): FaceParameters {
  const traits = random.fork("identity");
  const appearance = drawAppearance(random.fork("appearance"), options.occlusionProbability, options.plain);
  const [r, g, b] = appearance.skin;
  return {
    identity: Object.fromEntries(TRAITS.map((trait) => [trait, bounded(traits)])) as unknown as Identity,
    expression: drawExpression(random.fork("expression")),
    pose: drawPose(random.fork("pose"), options.maxYawDegrees),
    light: options.plain ? PLAIN_LIGHT : drawLight(random.fork("light"), 0.3 * r + 0.59 * g + 0.11 * b),
    appearance,
    effects: options.plain ? NO_EFFECTS : drawEffects(random.fork("effects")),
  };
}
