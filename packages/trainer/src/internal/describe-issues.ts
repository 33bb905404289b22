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

/** Each fault that zod found, as `path: what`, with the nearest names for unknown fields. */
export function describeIssues(schema: z.ZodType, error: z.ZodError): string[] {
  return error.issues.flatMap((issue) => {
    const at = (key?: string) => [...issue.path, ...(key === undefined ? [] : [key])].join(".") || "the whole";
    if (issue.code !== "unrecognized_keys") return [`${at()}: ${issue.message}`];
    const known = fieldNames(schema, issue.path);
    return issue.keys.map(
      (key) =>
        `${at(key)}: unknown field${known.length > 0 ? `; did you mean ${nearestNames(key, known, 1)[0]}?` : ""}`,
    );
  });
}
