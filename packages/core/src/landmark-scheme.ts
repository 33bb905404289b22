/** Zero-based indices whose mean point is one end of a normalising distance. */
export type NormalizerEnds = readonly [readonly number[], readonly number[]];

/**
 * A numbering of facial landmarks, as data. Left and right are the subject's own, as in anatomy: `rightEyeOuter`
 * lies on the left of an upright, frontal picture.
 */
export interface LandmarkScheme {
  readonly id: string;
  /** K. */
  readonly landmarkCount: number;
  /** K distinct names. */
  readonly names: readonly string[];
  /** `mirror[i]` is the landmark that takes the place of i when the picture is flipped; its own inverse. */
  readonly mirror: readonly number[];
  /** Parts of the face as lists of indices. */
  readonly groups: Readonly<Record<string, readonly number[]>>;
  readonly normalizers: {
    /** Outer eye corners. */
    readonly "inter-ocular": NormalizerEnds;
    /** Eye centres or pupils. */
    readonly "inter-pupil": NormalizerEnds;
  };
  readonly citation: string;
  readonly homepage: string;
  readonly licence: string;
}
