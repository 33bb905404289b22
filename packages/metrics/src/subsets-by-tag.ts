import { checkOptions, InvalidArgumentError } from "@acr/core";

/** Attributes of one face, as `Face.tags`. */
export type FaceTags = Readonly<Record<string, string | number | boolean>>;

/** Options of `subsetsByTag`. */
export interface SubsetsByTagOptions {
  /** Which tags to use. Default: all that qualify. */
  tags?: readonly string[];
  /**
   * Rising edges that cut a numeric tag into parts [low, high), the last with its upper edge. Numeric tags without edges
   * are left out. Edges that start at 0 apply to the absolute value.
   */
  bins?: Readonly<Record<string, readonly number[]>>;
  /** Text tags with more different values than this are left out, as they name faces rather than kinds. Default 12. */
  maxValues?: number;
}

/**
 * Subsets of faces by their attributes, for `evaluateSubsets`: a boolean tag gives the faces that have it, a text tag one
 * subset a value (`occluder: hand`), a numeric tag one a bin (`|yawDegrees| 15–30`).
 *
 * Edges: faces without the tag are in none of its subsets; a tag that no face has gives nothing.
 *
 * @returns flags of each face by the name of the subset, in order of first appearance of the tag.
 * @throws {InvalidArgumentError} edges that do not rise, fewer than two of them, an unknown option.
 * @example evaluateSubsets(errors, subsetsByTag(tags, { bins: { yawDegrees: [0, 15, 30, 90] } }));
 */
export function subsetsByTag(tags: readonly FaceTags[], options: SubsetsByTagOptions = {}): Record<string, Uint8Array> {
  checkOptions("subsetsByTag", options, ["tags", "bins", "maxValues"]);
  const { bins = {}, maxValues = 12 } = options;
  const names = new Set(tags.flatMap((own) => Object.keys(own)));
  const subsets: Record<string, Uint8Array> = {};
  for (const [name, edges] of Object.entries(bins)) {
    if (edges.length < 2 || edges.some((edge, i) => !Number.isFinite(edge) || (i > 0 && edge <= edges[i - 1]!)))
      throw new InvalidArgumentError(
        `subsetsByTag: bins.${name} must be two or more rising edges; got [${edges.join(", ")}].`,
      );
  }
  for (const name of names) {
    if (options.tags && !options.tags.includes(name)) continue;
    const values = tags.map((own) => (Object.hasOwn(own, name) ? own[name] : undefined));
    if (values.some((value) => value === true)) {
      subsets[name] = Uint8Array.from(values, (value) => (value === true ? 1 : 0));
    }
    const texts = new Set(values.filter((value) => typeof value === "string"));
    if (texts.size > 1 && texts.size <= maxValues) {
      for (const text of [...texts].sort())
        subsets[`${name}: ${text}`] = Uint8Array.from(values, (value) => (value === text ? 1 : 0));
    }
    const edges = Object.hasOwn(bins, name) ? bins[name]! : [];
    for (let i = 0; i + 1 < edges.length; i++) {
      const [low, high] = [edges[i]!, edges[i + 1]!];
      const isLast = i + 2 === edges.length;
      const absolute = edges[0] === 0;
      const flags = Uint8Array.from(values, (value) => {
        if (typeof value !== "number") return 0;
        const size = absolute ? Math.abs(value) : value;
        return size >= low && (size < high || (isLast && size === high)) ? 1 : 0;
      });
      if (values.some((value) => typeof value === "number"))
        subsets[`${absolute ? `|${name}|` : name} ${low}–${high}`] = flags;
    }
  }
  return subsets;
}
