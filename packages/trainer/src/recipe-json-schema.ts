import { z } from "zod";
import { recipeSchema } from "./recipe.js";

/**
 * The JSON Schema (draft 2020-12) of recipes, for editors and documentation.
 *
 * @example Object.keys(recipeJsonSchema().properties as object)[1]; // "dataset"
 */
export const recipeJsonSchema = (): Record<string, unknown> =>
  z.toJSONSchema(recipeSchema, { io: "input", unrepresentable: "any" }) as Record<string, unknown>;
