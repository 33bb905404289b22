/** How many modes to use. */
export interface ModeOptions {
  /** The first this many modes, 0 … modeCount. Default: all. */
  modes?: number;
}

/** Options of `project`. */
export interface ProjectOptions extends ModeOptions {
  /** Limit of the coefficients in standard deviations, > 0; `false` for none. Default `false`. */
  clip?: number | false;
  /**
   * What `clip` limits: each coefficient for itself (`"box"`), or the Mahalanobis distance of all together, by scaling
   * them (`"ellipsoid"`). Default `"box"`, as in the paper.
   */
  region?: "box" | "ellipsoid";
}

/** Options of `smooth`. */
export interface SmoothOptions extends Omit<ProjectOptions, "clip"> {
  /** Coefficients are limited to ± this many standard deviations; `false` for no limit. Default 3. */
  clip?: number | false;
}

/** Options of `difficulty`. */
export interface DifficultyOptions extends SmoothOptions {
  /** One value a coordinate (2K) or, from Euclidean distances, a landmark (K). Default `"coordinate"`. */
  unit?: "coordinate" | "landmark";
}

/** Options of `sample`. */
export interface SampleOptions extends ModeOptions {
  /** Coefficients are limited to ± this many standard deviations, > 0; `false` for no limit. Default 3. */
  clip?: number | false;
}
