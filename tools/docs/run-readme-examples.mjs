#!/usr/bin/env node
/**
 * Runs the examples of the READMEs, so that none goes stale.
 *
 *   node tools/docs/run-readme-examples.mjs                     every packages/<name>/README.md
 *   node tools/docs/run-readme-examples.mjs loss docs/a.md      some packages, or any markdown files
 *
 * Each fenced block marked `js` is run as one ES module by this Node, in an empty folder of its own whose imports
 * resolve as in the repository (so build first). It must exit with 0. What may stand beside a block:
 *
 *   <!-- setup                     code put in front of the next block, unseen by the reader
 *   import * as tf from "…";       (for what the text has explained before); ends the comment with -->
 *   -->
 *   <!-- no-run: needs a webcam -->   the next block is not run; the reason is required
 *   ```js continued                  the block goes on where the one before it ended
 *   ```text output                   after a block: what it must print on stdout; `…` stands for anything
 *
 * Prints a line per block, exits 1 if any failed.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const TIMEOUT_MS = 120_000;

/**
 * The runnable examples of a markdown text.
 *
 * @param {string} markdown
 * @returns {{ line: number, code: string, output?: string, skip?: string }[]} `line` counts from 1; `skip` is the reason.
 * @throws {Error} `no-run` without a reason, `continued` or `output` with nothing before it, or a fence without an end.
 */
export function extractExamples(markdown) {
  const examples = [];
  let setup = "";
  let skip;
  // Comments and fences, in order. A fence ends at the same run of backticks.
  const pattern = /^<!--\s*(setup|no-run)\b([\s\S]*?)-->|^([ \t]*)(`{3,})([^\n`]*)\n(?:([\s\S]*?)\n)??\3\4[ \t]*$/gm;
  for (const match of markdown.matchAll(pattern)) {
    const line = markdown.slice(0, match.index).split("\n").length;
    const [, comment, commentText, indent, , info, body = ""] = match;
    if (comment === "setup") {
      setup = `${commentText.trim()}\n`;
      continue;
    }
    if (comment === "no-run") {
      skip = commentText.replace(/^\s*:/, "").trim();
      if (!skip) throw new Error(`line ${line}: no-run needs a reason: <!-- no-run: why -->`);
      continue;
    }
    const [language, flag] = info.trim().split(/\s+/);
    const code = body.replaceAll(new RegExp(`^${indent}`, "gm"), "");
    const last = examples.at(-1);
    if (language === "text" && flag === "output") {
      if (!last || last.output !== undefined) throw new Error(`line ${line}: output without an example before it`);
      last.output = code;
    } else if (language === "js" || language === "javascript") {
      if (flag === "continued" && !last) throw new Error(`line ${line}: continued without an example before it`);
      // The whole is run again, so the code that was expected to print does so again.
      const before = flag === "continued" ? { code: `${last.code}\n`, output: last.output } : { code: "" };
      examples.push({
        line,
        code: `${before.code}${setup}${code}`,
        skip: skip ?? (before.code ? last.skip : undefined),
      });
      if (before.output !== undefined) examples.at(-1).outputBefore = before.output;
      setup = "";
      skip = undefined;
    }
  }
  const fences = markdown.match(/^[ \t]*`{3,}/gm)?.length ?? 0;
  if (fences % 2 !== 0) throw new Error("a code fence has no end");
  return examples.map(({ outputBefore, ...example }) =>
    outputBefore !== undefined && example.output !== undefined
      ? { ...example, output: `${outputBefore}\n${example.output}` }
      : example,
  );
}

/**
 * Whether a program printed what its example promises: line by line, blanks at line ends aside, `…` for anything.
 *
 * @param {string} printed
 * @param {string} promised
 */
export function outputMatches(printed, promised) {
  const trim = (text) => text.trim().replaceAll(/[ \t]+$/gm, "");
  const pattern = trim(promised)
    .split("…")
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join("[\\s\\S]*?");
  return new RegExp(`^${pattern}$`).test(trim(printed));
}

/**
 * Runs one example.
 *
 * @param {{ code: string, output?: string }} example
 * @param {string} modules - the node_modules folder that its imports resolve in.
 * @returns {string | undefined} what is wrong, or nothing.
 */
export function runExample({ code, output }, modules) {
  const folder = mkdtempSync(join(tmpdir(), "readme-"));
  try {
    symlinkSync(modules, join(folder, "node_modules"), "dir");
    writeFileSync(join(folder, "example.mjs"), code);
    const result = spawnSync(process.execPath, ["example.mjs"], { cwd: folder, encoding: "utf8", timeout: TIMEOUT_MS });
    if (result.error?.code === "ETIMEDOUT") return `did not end within ${TIMEOUT_MS / 1000} s`;
    if (result.status !== 0) return `exited with ${result.status ?? result.signal}\n${result.stderr.trim()}`;
    if (output !== undefined && !outputMatches(result.stdout, output)) {
      return `printed\n${result.stdout.trim()}\nbut promises\n${output}`;
    }
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function main(root, wanted) {
  const readme = (name) => join(root, "packages", name, "README.md");
  const files =
    wanted.length > 0
      ? wanted.map((name) => (name.endsWith(".md") ? resolve(name) : readme(name)))
      : readdirSync(join(root, "packages")).map(readme).filter(existsSync);
  let failed = 0;
  for (const file of files) {
    const name = relative(root, file);
    let examples = [];
    try {
      examples = extractExamples(readFileSync(file, "utf8"));
    } catch (error) {
      failed++;
      console.log(`FAILED   ${name}: ${error.message}`);
    }
    for (const example of examples) {
      const place = `${name}:${example.line}`;
      if (example.skip) {
        console.log(`skipped  ${place}: ${example.skip}`);
        continue;
      }
      const fault = runExample(example, join(root, "node_modules"));
      if (fault) failed++;
      console.log(fault ? `FAILED   ${place} ${fault.replaceAll("\n", "\n         ")}` : `passed   ${place}`);
    }
  }
  if (failed > 0) console.log(`${failed} failed.`);
  return failed > 0 ? 1 : 0;
}

if (process.argv[1] && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) {
  process.exitCode = main(fileURLToPath(new URL("../..", import.meta.url)), process.argv.slice(2));
}
