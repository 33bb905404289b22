import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { extractExamples, outputMatches, runExample } from "./run-readme-examples.mjs";

const MODULES = fileURLToPath(new URL("../../node_modules", import.meta.url));
const fence = (info, ...lines) => [`\`\`\`${info}`, ...lines, "```"].join("\n");

test("extractExamples(markdown) takes js blocks only, with their lines and outputs", () => {
  const markdown = ["# A", fence("sh", "npm i a"), "", fence("js", "a();", "b();"), "", fence("text output", "1")].join(
    "\n",
  );
  assert.deepEqual(extractExamples(markdown), [{ line: 6, code: "a();\nb();", output: "1", skip: undefined }]);
});

test("extractExamples(markdown) joins setup and continued blocks, and skips with a reason", () => {
  const markdown = [
    "<!-- setup\nconst x = 1;\n-->",
    fence("js", "log(x);"),
    fence("text output", "1"),
    fence("js continued", "log(x + 1);"),
    fence("text output", "2"),
    "<!-- no-run: needs a webcam -->",
    fence("js", "open();"),
  ].join("\n");
  const [first, second, third] = extractExamples(markdown);
  assert.equal(first.code, "const x = 1;\nlog(x);");
  assert.equal(second.code, "const x = 1;\nlog(x);\nlog(x + 1);");
  assert.equal(second.output, "1\n2");
  assert.equal(third.skip, "needs a webcam");
});

test("extractExamples(markdown) refuses what it cannot read", () => {
  assert.throws(() => extractExamples("<!-- no-run -->"), /needs a reason/);
  assert.throws(() => extractExamples(fence("text output", "1")), /without an example/);
  assert.throws(() => extractExamples(fence("js continued", "1")), /without an example/);
  assert.throws(() => extractExamples("```js\n1"), /no end/);
});

test("outputMatches(printed, promised) compares whole texts, with … for anything", () => {
  assert.ok(outputMatches("loss 0.123\n", "loss …"));
  assert.ok(outputMatches("a (b)\n", "a (b)"));
  assert.ok(!outputMatches("loss 0.123\nmore", "loss 0.123"));
  assert.ok(!outputMatches("aXb", "a.b"));
});

test("runExample(example, modules) says why an example fails, and nothing when it passes", () => {
  assert.equal(runExample({ code: "console.log(1 + 1)", output: "2" }, MODULES), undefined);
  assert.match(runExample({ code: "console.log(1 + 1)", output: "3" }, MODULES), /printed\n2\nbut promises\n3/);
  assert.match(runExample({ code: "undefinedName" }, MODULES), /exited with 1[\s\S]*ReferenceError/);
  assert.equal(runExample({ code: 'import "typescript"; if (!process.cwd()) throw 1;' }, MODULES), undefined);
});
