import { InvalidArgumentError } from "@acr/core";

const FORBIDDEN = new Set(["__proto__", "constructor", "prototype"]);

/**
 * Sets one field of a plain recipe object by its path, making the groups on the way.
 *
 * @param recipe - changed in place; not checked, `parseRecipe` does that.   @param path - `"a.b.c"`.
 * @throws {InvalidArgumentError} an empty path, or a part of it that is no group of fields.
 * @example
 * const recipe = { loss: "acr" };
 * setRecipeField(recipe, "lossOptions.scale", 10); // { loss: "acr", lossOptions: { scale: 10 } }
 */
export function setRecipeField(recipe: Record<string, unknown>, path: string, value: unknown): void {
  const keys = path.split(".");
  if (keys.some((key) => key === "" || FORBIDDEN.has(key)))
    throw new InvalidArgumentError(`setRecipeField: "${path}" is no path of a field; expected a.b.c.`);
  let current = recipe;
  for (const key of keys.slice(0, -1)) {
    if (current[key] === undefined) current[key] = {};
    const next = current[key];
    if (next === null || typeof next !== "object" || Array.isArray(next))
      throw new InvalidArgumentError(`setRecipeField: "${path}": "${key}" is no group of fields.`);
    current = next as Record<string, unknown>;
  }
  current[keys.at(-1)!] = value;
}
