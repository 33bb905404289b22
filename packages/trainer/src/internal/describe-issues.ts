import { nearestNames } from "@acr/core";
import { z } from "zod";

type Node = {
  properties?: Record<string, Node>;
  items?: Node;
  anyOf?: Node[];
  oneOf?: Node[];
  additionalProperties?: Node;
};

/** The field names at a path of a schema, for "did you mean". */
function fieldNames(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let nodes: Node[] = [z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Node];
  const branches = (node: Node): Node[] => [node, ...[...(node.anyOf ?? []), ...(node.oneOf ?? [])].flatMap(branches)];
  for (const key of path)
    nodes = nodes
      .flatMap(branches)
      .flatMap(({ properties, items, additionalProperties }) =>
        typeof key === "number" ? (items ?? []) : (properties?.[String(key)] ?? additionalProperties ?? []),
      );
  return [...new Set(nodes.flatMap(branches).flatMap(({ properties }) => Object.keys(properties ?? {})))];
}

/** Groups of which there are several kinds: which kind, by its `name`, has a field. */
function kindsWith(schema: z.ZodType, path: readonly PropertyKey[], field: string): string[] {
  const root = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Node;
  const node = path.reduce<Node | undefined>((at, key) => at?.properties?.[String(key)], root);
  return (node?.oneOf ?? [])
    .filter(({ properties }) => properties?.[field] !== undefined)
    .map(({ properties }) => String((properties!.name as { const?: string }).const));
}

/** Each fault that zod found, as `path: what`, with the nearest names for unknown fields. */
export function describeIssues(schema: z.ZodType, error: z.ZodError, input?: unknown): string[] {
  return error.issues.flatMap((issue) => {
    const at = (key?: string) => [...issue.path, ...(key === undefined ? [] : [key])].join(".") || "the whole";
    if (issue.code !== "unrecognized_keys") return [`${at()}: ${issue.message}`];
    const known = fieldNames(schema, issue.path);
    const kind = issue.path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)?.[key], input);
    return issue.keys.map((key) => {
      const others = kindsWith(schema, issue.path, key);
      if (others.length > 0)
        return `${at(key)}: unknown field of "${(kind as { name?: string })?.name}"; ${others.map((name) => `"${name}"`).join(" and ")} ${others.length === 1 ? "has" : "have"} it: set ${[...issue.path, "name"].join(".")}`;
      return `${at(key)}: unknown field${known.length > 0 ? `; did you mean ${nearestNames(key, known, 1)[0]}?` : ""}`;
    });
  });
}
