import { mirrorMap } from "./internal/mirror-map.js";
import { range } from "./internal/range.js";
import type { LandmarkScheme } from "./landmark-scheme.js";

const EYE = ["UpperOuter", "Upper", "UpperInner"];
const EYEBROW = [
  "Outer",
  "UpperOuter",
  "Upper",
  "UpperInner",
  "InnerTop",
  "InnerBottom",
  "LowerInner",
  "Lower",
  "LowerOuter",
];

/** Opposite points of the two sides, from the order in which each part is numbered. */
const PAIRS: [number, number][] = [
  ...range(0, 15).map((i): [number, number] => [i, 32 - i]),
  ...range(33, 37).map((i): [number, number] => [i, 79 - i]),
  ...range(38, 41).map((i): [number, number] => [i, 88 - i]),
  [55, 59],
  [56, 58],
  ...range(60, 64).map((i): [number, number] => [i, 132 - i]),
  ...range(65, 67).map((i): [number, number] => [i, 140 - i]),
  ...range(76, 78).map((i): [number, number] => [i, 158 - i]),
  [83, 87],
  [84, 86],
  [88, 92],
  [89, 91],
  [93, 95],
  [96, 97],
];

/**
 * The 98 points of WFLW.
 *
 * @example wflw98.normalizers["inter-ocular"]; // [[60], [72]]
 */
export const wflw98: LandmarkScheme = {
  id: "wflw98",
  landmarkCount: 98,
  names: [
    ...range(0, 15).map((i) => `rightJaw${i}`),
    "chin",
    ...range(0, 15).map((i) => `leftJaw${15 - i}`),
    ...EYEBROW.map((part) => `rightEyebrow${part}`),
    ...[
      "InnerTop",
      "UpperInner",
      "Upper",
      "UpperOuter",
      "Outer",
      "LowerOuter",
      "Lower",
      "LowerInner",
      "InnerBottom",
    ].map((part) => `leftEyebrow${part}`),
    "noseBridgeTop",
    "noseBridgeUpper",
    "noseBridgeLower",
    "noseTip",
    "rightNostrilOuter",
    "rightNostrilInner",
    "noseBase",
    "leftNostrilInner",
    "leftNostrilOuter",
    ...["Outer", ...EYE, "Inner", "LowerInner", "Lower", "LowerOuter"].map((part) => `rightEye${part}`),
    ...["Inner", ...EYE.toReversed(), "Outer", "LowerOuter", "Lower", "LowerInner"].map((part) => `leftEye${part}`),
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
    "rightPupil",
    "leftPupil",
  ],
  mirror: mirrorMap(98, PAIRS),
  groups: {
    jaw: range(0, 32),
    rightEyebrow: range(33, 41),
    leftEyebrow: range(42, 50),
    nose: range(51, 59),
    rightEye: [...range(60, 67), 96],
    leftEye: [...range(68, 75), 97],
    outerMouth: range(76, 87),
    innerMouth: range(88, 95),
  },
  normalizers: {
    "inter-ocular": [[60], [72]],
    "inter-pupil": [[96], [97]],
  },
  citation:
    "W. Wu, C. Qian, S. Yang, Q. Wang, Y. Cai, Q. Zhou. Look at Boundary: A Boundary-Aware Face Alignment Algorithm. CVPR 2018.",
  homepage: "https://wywu.github.io/projects/LAB/WFLW.html",
  licence: "The numbering is free to use; the WFLW annotations are for research only.",
};
