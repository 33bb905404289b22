import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expandSweep, parseRecipe, parseSweepPlan, recipeJsonSchema } from "./index.js";

const examples = join(__dirname, "../../../examples");
const read = (...path: string[]) => JSON.parse(readFileSync(join(examples, ...path), "utf8"));
const names = (folder: string) => readdirSync(join(examples, folder)).filter((name) => name.endsWith(".json"));
const readme = readFileSync(join(examples, "recipes/README.md"), "utf8");

it.each(names("recipes"))(
  "examples/recipes/%s is a valid recipe of the format's version, named in the README",
  (name) => {
    const input = read("recipes", name);
    expect(input.formatVersion).toBe(1);
    expect(parseRecipe(input)).toMatchObject(input);
    expect(readme).toContain(`\`${name.replace(".json", "")}\``);
  },
);

it("the paper's recipes come in pairs that differ in nothing but the loss", () => {
  const withAcr = names("recipes").filter((name) => /^paper-.*-acr\.json$/.test(name));
  expect(withAcr).toHaveLength(6);
  for (const name of withAcr) {
    const { loss, lossOptions, difficulty, ...acr } = read("recipes", name);
    const { loss: l2, ...plain } = read("recipes", name.replace("-acr", "-l2"));
    expect([loss, l2]).toEqual(["acr", "l2"]);
    expect(lossOptions).toEqual({ lambda: 5, scale: 1 });
    expect(difficulty.by).toBe("count");
    expect(acr).toEqual(plain);
  }
});

it.each(names("sweeps"))("examples/sweeps/%s is a valid plan", (name) => {
  expect(expandSweep(parseSweepPlan(read("sweeps", name))).length).toBeGreaterThan(0);
});

it("docs/training.md names every field of a recipe", () => {
  const text = readFileSync(join(examples, "../docs/training.md"), "utf8");
  for (const field of Object.keys(recipeJsonSchema().properties as object)) expect(text).toContain(`| \`${field}\` |`);
});
