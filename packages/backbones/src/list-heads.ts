import { type HeadName, landmarkHeads } from "./internal/heads/landmark-heads.js";

/**
 * Names of the heads that `createLandmarkModel` knows.
 *
 * @example listHeads(); // ["gap", "integral", "simcc", "pip"]
 */
export const listHeads = (): HeadName[] => Object.keys(landmarkHeads) as HeadName[];
