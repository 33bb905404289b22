import { mirrorMap } from "./internal/mirror-map.js";
import type { LandmarkScheme } from "./landmark-scheme.js";

/**
 * The 29 points of COFW, which are those of LFPW.
 *
 * @example cofw29.normalizers["inter-ocular"]; // [[8], [9]]
 */
export const cofw29: LandmarkScheme = {
  id: "cofw29",
  landmarkCount: 29,
  names: [
    "rightEyebrowOuter",
    "leftEyebrowOuter",
    "rightEyebrowInner",
    "leftEyebrowInner",
    "rightEyebrowUpper",
    "rightEyebrowLower",
    "leftEyebrowUpper",
    "leftEyebrowLower",
    "rightEyeOuter",
    "leftEyeOuter",
    "rightEyeInner",
    "leftEyeInner",
    "rightEyeUpper",
    "rightEyeLower",
    "leftEyeUpper",
    "leftEyeLower",
    "rightPupil",
    "leftPupil",
    "rightNostrilOuter",
    "leftNostrilOuter",
    "noseTip",
    "noseBase",
    "rightMouthCorner",
    "leftMouthCorner",
    "upperLipTop",
    "upperLipInner",
    "lowerLipInner",
    "lowerLipBottom",
    "chin",
  ],
  mirror: mirrorMap(29, [
    [0, 1],
    [2, 3],
    [4, 6],
    [5, 7],
    [8, 9],
    [10, 11],
    [12, 14],
    [13, 15],
    [16, 17],
    [18, 19],
    [22, 23],
  ]),
  groups: {
    rightEyebrow: [0, 2, 4, 5],
    leftEyebrow: [1, 3, 6, 7],
    rightEye: [8, 10, 12, 13, 16],
    leftEye: [9, 11, 14, 15, 17],
    nose: [18, 19, 20, 21],
    mouth: [22, 23, 24, 25, 26, 27],
    jaw: [28],
  },
  normalizers: {
    "inter-ocular": [[8], [9]],
    "inter-pupil": [[16], [17]],
  },
  citation: "X. P. Burgos-Artizzu, P. Perona, P. Dollár. Robust face landmark estimation under occlusion. ICCV 2013.",
  homepage: "https://data.caltech.edu/records/bc0bf-nc666",
  licence: "The numbering is free to use; the COFW images and annotations are for research only.",
};
