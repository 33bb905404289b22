#!/usr/bin/env node
/**
 * Writes the table of recipe fields in docs/training.md from `recipeJsonSchema()`. Build first.
 *
 *   node tools/docs/write-recipe-reference.mjs            writes
 *   node tools/docs/write-recipe-reference.mjs --check    exits 1 where the table is not current
 */
import { readFileSync, writeFileSync } from "node:fs";
import { recipeJsonSchema } from "../../packages/trainer/dist/index.js";

const FILE = new URL("../../docs/training.md", import.meta.url);
const [BEGIN, END] = ["<!-- recipe fields: generated -->", "<!-- end of recipe fields -->"];

const code = (value) => `\`${JSON.stringify(value)}\``;
const typeOf = (field) => {
  if (field.enum) return field.enum.map(code).join(", ");
  if ("const" in field) return code(field.const);
  if (!field.type) return "";
  const isNumber = field.type === "integer" || field.type === "number";
  const bounds = [
    ["≥", field.minimum],
    [">", field.exclusiveMinimum],
    ["≤", field.maximum],
    ["<", field.exclusiveMaximum],
  ].filter(([, bound]) => bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER);
  return `${field.type}${isNumber ? bounds.map(([sign, bound]) => ` ${sign} ${bound}`).join(",") : ""}`;
};

function rowsOf(schema, prefix = "") {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    // A long default stands in the code; the table would break over it.
    const preset = field.default === undefined || JSON.stringify(field.default).length > 60 ? "" : code(field.default);
    const row = `| \`${path}\` | ${typeOf(field)} | ${preset} | ${(field.description ?? "").replaceAll("|", "\\|")} |`;
    const item = field.type === "array" ? field.items : field;
    const choices = [item, ...(item?.oneOf ?? []), ...(item?.anyOf ?? [])];
    const inner = choices.flatMap((choice) => rowsOf(choice ?? {}, `${path}${field.type === "array" ? "[]" : ""}.`));
    return [row, ...inner];
  });
}

const table = ["| field | type | default | meaning |", "| --- | --- | --- | --- |", ...rowsOf(recipeJsonSchema())].join(
  "\n",
);
const text = readFileSync(FILE, "utf8");
const [start, end] = [text.indexOf(BEGIN), text.indexOf(END)];
if (start < 0 || end < start) throw new Error(`docs/training.md: expected "${BEGIN}" before "${END}".`);
const current = `${text.slice(0, start + BEGIN.length)}\n\n${table}\n\n${text.slice(end)}`;
if (!process.argv.includes("--check")) writeFileSync(FILE, current);
else if (current !== text) {
  console.error(
    "docs/training.md: the table of recipe fields is not current; run node tools/docs/write-recipe-reference.mjs.",
  );
  process.exitCode = 1;
}
