import { mirrorMap } from "./internal/mirror-map.js";
import { range } from "./internal/range.js";
import type { LandmarkScheme } from "./landmark-scheme.js";

const pairs = (sums: readonly (readonly [number, number, number])[]): [number, number][] =>
  sums.flatMap(([first, last, sum]) => range(first, last).map((i): [number, number] => [i, sum - i]));

const NAMES = [
  ...range(0, 7).map((i) => `rightJaw${i}`),
  "chin",
  ...range(0, 7).map((i) => `leftJaw${7 - i}`),
  ...["Outer", "OuterArch", "Peak", "InnerArch", "Inner"].map((part) => `rightEyebrow${part}`),
  ...["Inner", "InnerArch", "Peak", "OuterArch", "Outer"].map((part) => `leftEyebrow${part}`),
  "noseBridgeTop",
  "noseBridgeUpper",
  "noseBridgeLower",
  "noseTip",
  "rightNostrilOuter",
  "rightNostrilInner",
  "noseBase",
  "leftNostrilInner",
  "leftNostrilOuter",
  ...["Outer", "UpperOuter", "UpperInner", "Inner", "LowerInner", "LowerOuter"].map((part) => `rightEye${part}`),
  ...["Inner", "UpperInner", "UpperOuter", "Outer", "LowerOuter", "LowerInner"].map((part) => `leftEye${part}`),
  "rightMouthCorner",
  "rightUpperLipOuter",
  "rightUpperLipPeak",
  "upperLipTop",
  "leftUpperLipPeak",
  "leftUpperLipOuter",
  "leftMouthCorner",
  "leftLowerLipOuter",
  "leftLowerLipBottom",
  "lowerLipBottom",
  "rightLowerLipBottom",
  "rightLowerLipOuter",
  "rightInnerMouthCorner",
  "rightUpperLipInner",
  "upperLipInner",
  "leftUpperLipInner",
  "leftInnerMouthCorner",
  "leftLowerLipInner",
  "lowerLipInner",
  "rightLowerLipInner",
];

/**
 * The 68 points of iBUG (Multi-PIE numbering), used by 300-W.
 *
 * @example ibug68.normalizers["inter-ocular"]; // [[36], [45]]
 */
export const ibug68: LandmarkScheme = {
  id: "ibug68",
  landmarkCount: 68,
  names: NAMES,
  mirror: mirrorMap(68, [
    ...pairs([
      [0, 7, 16],
      [17, 21, 43],
      [31, 32, 66],
      [36, 39, 81],
      [40, 41, 87],
      [48, 50, 102],
      [58, 59, 114],
      [60, 61, 124],
    ]),
    [67, 65],
  ]),
  groups: {
    jaw: range(0, 16),
    rightEyebrow: range(17, 21),
    leftEyebrow: range(22, 26),
    nose: range(27, 35),
    rightEye: range(36, 41),
    leftEye: range(42, 47),
    outerMouth: range(48, 59),
    innerMouth: range(60, 67),
  },
  normalizers: {
    "inter-ocular": [[36], [45]],
    "inter-pupil": [range(36, 41), range(42, 47)],
  },
  citation:
    "C. Sagonas, E. Antonakos, G. Tzimiropoulos, S. Zafeiriou, M. Pantic. 300 Faces In-The-Wild Challenge: Database and results. Image and Vision Computing 47, 2016.",
  homepage: "https://ibug.doc.ic.ac.uk/resources/300-W/",
  licence: "The numbering is free to use; the 300-W annotations are for research only.",
};
