#!/usr/bin/env node
/**
 * Checks what no other tool does: that all packages are alike, that imports follow the directions of the architecture,
 * that every package has its files, every public function a test, every dependency a record, and that changesets parse. Prints `file: message` per fault, exits 1 if any.
 *
 *   node tools/lint/check-repository.mjs [folder]
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** What each package may import; a test reads it to keep biome.json in step. */
export const ALLOWED_SIBLINGS = (() => {
  const middle = ["loss", "shape-model", "metrics", "datasets", "augment", "synthetic", "backbones", "kernels"];
  const belowTrainer = ["core", ...middle, "backend"];
  return {
    core: [],
    ...Object.fromEntries(middle.map((name) => [name, ["core"]])),
    backend: ["core", ...middle],
    trainer: belowTrainer,
    report: [...belowTrainer, "trainer"],
    cli: [...belowTrainer, "trainer", "report"],
  };
})();

const FIELD_ORDER = [
  ...["name", "version", "private", "description", "keywords", "homepage", "repository", "bugs", "license", "type"],
  ...["sideEffects", "engines", "bin", "exports", "main", "module", "types", "files", "scripts", "dependencies"],
  ...["peerDependencies", "peerDependenciesMeta", "optionalDependencies", "devDependencies", "publishConfig"],
];
const REQUIRED_FIELDS = ["name", "version", "description", "keywords", "files", "peerDependencies"];
const FIXED_FIELDS = {
  license: "Apache-2.0",
  type: "module",
  sideEffects: false,
  engines: { node: ">=20" },
  main: "./dist/index.cjs",
  module: "./dist/index.js",
  types: "./dist/index.d.ts",
  publishConfig: { access: "public" },
};
const REQUIRED_SCRIPTS = ["build", "check:package", "lint", "test", "typecheck"];
const DEPENDENCY_FIELDS = ["dependencies", "peerDependencies", "devDependencies"];
const REQUIRED_FILES = ["LICENSE", "README.md", "tsconfig.json", "src/index.ts"];
/** Rule 22 of the house style; each may be spelt in some ways. */
const README_PARTS = {
  "an install line (npm install …)": /npm (install|i) /,
  "a code block": /^```/m,
  "a heading Example": /^#+ .*(example|usage|quick start)/im,
  "a heading Shapes and frames": /^#+ .*(shapes|frames|units|files)/im,
  "a heading API": /^#+ .*(api|commands)/im,
  "a heading Limits": /^#+ .*limits/im,
  "a heading References": /^#+ .*references/im,
  "a heading Licence": /^#+ .*licen[cs]e/im,
};
/** Folders that exist on one machine only. Joined here so that this file passes its own check. */
const MACHINE_PATH = new RegExp(`(^|[\\s"'\`(=:])/(${["work", "tmp", "root", "home"].join("|")})/[\\w.-]`);
const TEXT_FILE = /\.(ts|mts|cts|js|mjs|cjs|json|md|html|yml|yaml|sh)$/;

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const isBuiltin = (name) => name.startsWith("node:") || builtinModules.includes(name);
/** `@acr/core/node` → `@acr/core`. */
const packageName = (specifier) =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

/**
 * @param {string} root - the repository's folder.
 * @returns {{ file: string, message: string }[]} faults, empty when all is well.
 */
export function checkRepository(root) {
  const faults = [];
  const report = (file, message) => faults.push({ file: file.split(sep).join("/"), message });
  const packagesFolder = join(root, "packages");
  const packages = readdirSync(packagesFolder)
    .filter((name) => existsSync(join(packagesFolder, name, "package.json")))
    .map((name) => ({
      name,
      folder: `packages/${name}`,
      manifest: JSON.parse(readFileSync(join(packagesFolder, name, "package.json"), "utf8")),
    }));
  const context = {
    root,
    packages,
    report,
    rootManifest: JSON.parse(readFileSync(join(root, "package.json"), "utf8")),
  };
  for (const entry of packages) {
    checkManifest(entry, context);
    checkDependencies(entry, context);
    checkFiles(entry, context);
    checkSources(entry, context);
  }
  checkVersionsAgree(context);
  checkDecisions(context);
  checkChangesets(context);
  checkMachinePaths(context);
  checkLinks(context);
  return faults;
}

function checkManifest({ name, folder, manifest }, { packages, report }) {
  const file = `${folder}/package.json`;
  const fields = Object.keys(manifest);
  const unknown = fields.filter((field) => !FIELD_ORDER.includes(field));
  if (unknown.length > 0) report(file, `unknown fields ${unknown.join(", ")}`);
  const known = fields.filter((field) => FIELD_ORDER.includes(field));
  const ordered = FIELD_ORDER.filter((field) => known.includes(field));
  const misplaced = known.findIndex((field, i) => field !== ordered[i]);
  if (misplaced >= 0) report(file, `field order: ${known[misplaced]} stands where ${ordered[misplaced]} belongs`);
  for (const field of REQUIRED_FIELDS) if (!(field in manifest)) report(file, `${field} is missing`);
  if (manifest.name !== `@acr/${name}`) report(file, `name must be @acr/${name}; got ${manifest.name}`);
  for (const [field, value] of Object.entries(FIXED_FIELDS)) {
    if (!same(manifest[field], value))
      report(file, `${field} must be ${JSON.stringify(value)}; got ${JSON.stringify(manifest[field])}`);
  }
  for (const path of ["dist", "CHANGELOG.md"])
    if (!manifest.files?.includes(path)) report(file, `files must list ${path}`);
  checkExports(file, manifest.exports ?? {}, report);

  // The first package sets the pattern of scripts; names aside they are equal everywhere.
  const pattern = packages[0];
  for (const script of REQUIRED_SCRIPTS) {
    const expected = pattern.manifest.scripts?.[script]?.replace(
      new RegExp(`--selectProjects ${pattern.name}$`),
      `--selectProjects ${name}`,
    );
    const got = manifest.scripts?.[script];
    if (got === undefined) report(file, `script ${script} is missing`);
    else if (got !== expected)
      report(file, `script ${script} must be ${JSON.stringify(expected)}; got ${JSON.stringify(got)}`);
  }
}

function checkExports(file, exports, report) {
  if (!exports["."]) report(file, 'exports must have "."');
  if (exports["./package.json"] !== "./package.json") report(file, "exports must have ./package.json");
  for (const [subpath, target] of Object.entries(exports)) {
    if (subpath === "./package.json" || typeof target === "string") continue;
    const base = `./dist/${subpath === "." ? "index" : subpath.slice(2)}`;
    const expected = {
      import: { types: `${base}.d.ts`, default: `${base}.js` },
      require: { types: `${base}.d.cts`, default: `${base}.cjs` },
    };
    if (!same(target, expected)) report(file, `exports["${subpath}"] must be ${JSON.stringify(expected)}`);
  }
}

function checkDependencies({ name, folder, manifest }, { packages, report }) {
  const file = `${folder}/package.json`;
  const versions = new Map(packages.map((entry) => [entry.manifest.name, entry.manifest.version]));
  const allowed = ALLOWED_SIBLINGS[name];
  if (!allowed) {
    report(
      file,
      "has no place in the import directions; add it to ALLOWED_SIBLINGS in tools/lint/check-repository.mjs",
    );
    return;
  }
  for (const [dependency, range] of Object.entries(manifest.dependencies ?? {})) {
    if (dependency.startsWith("@tensorflow/"))
      report(file, `${dependency} must be a peer dependency, not a dependency`);
    if (!dependency.startsWith("@acr/")) continue;
    if (!allowed.includes(dependency.slice(5))) {
      report(
        file,
        `must not depend on ${dependency}; it may import ${allowed.map((sibling) => `@acr/${sibling}`).join(", ") || "no sibling"}`,
      );
    } else if (range !== `^${versions.get(dependency)}`) {
      report(file, `${dependency} must be ^${versions.get(dependency)}, the version here; got ${range}`);
    }
  }
}

function checkFiles({ folder }, { root, report }) {
  for (const file of REQUIRED_FILES)
    if (!existsSync(join(root, folder, file))) report(`${folder}/${file}`, "is missing");
  const license = join(root, folder, "LICENSE");
  if (existsSync(license) && readFileSync(license, "utf8") !== readFileSync(join(root, "LICENSE"), "utf8")) {
    report(`${folder}/LICENSE`, "differs from the LICENSE of the repository");
  }
  const readme = join(root, folder, "README.md");
  if (!existsSync(readme)) return;
  const text = readFileSync(readme, "utf8");
  for (const [part, expression] of Object.entries(README_PARTS)) {
    if (!expression.test(text)) report(`${folder}/README.md`, `lacks ${part}`);
  }
}

/** Files of a folder and the folders in it, relative to `root`. */
function filesUnder(root, folder) {
  const start = join(root, folder);
  if (!existsSync(start)) return [];
  return readdirSync(start, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

function checkSources({ name, folder, manifest }, { root, report, rootManifest }) {
  const files = filesUnder(root, `${folder}/src`).filter((file) => file.endsWith(".ts"));
  const texts = new Map(files.map((file) => [file, readFileSync(join(root, file), "utf8")]));
  const declared = new Set([
    manifest.name,
    ...["dependencies", "peerDependencies"].flatMap((field) => Object.keys(manifest[field] ?? {})),
  ]);
  const forTests = new Set([
    ...declared,
    ...Object.keys(manifest.devDependencies ?? {}),
    ...Object.keys(rootManifest.devDependencies ?? {}),
  ]);
  for (const [file, text] of texts) {
    const isTest = /\.test(-d)?\.ts$|[\\/]__fixtures__[\\/]/.test(file);
    for (const specifier of importsOf(text)) {
      if (specifier.startsWith(".")) {
        const target = resolve(root, dirname(file), specifier);
        if (relative(join(root, folder), target).startsWith("..")) {
          report(file, `imports ${specifier}, which lies outside the package; import the package by its name`);
        }
      } else if (!isBuiltin(specifier)) {
        const dependency = packageName(specifier);
        if (!(isTest ? forTests : declared).has(dependency))
          report(file, `imports ${dependency}, which ${folder}/package.json does not declare`);
        const isForeign =
          dependency.startsWith("@acr/") && dependency !== "@acr/testing" && dependency !== manifest.name;
        if (isForeign && !ALLOWED_SIBLINGS[name]?.includes(dependency.slice(5)))
          report(file, `must not import ${dependency}`);
      }
    }
  }
  checkTested(texts, publicNames(folder, manifest, texts), report);
}

/** Names that the package's entry files export. */
function publicNames(folder, manifest, texts) {
  const names = new Set();
  for (const target of Object.values(manifest.exports ?? {})) {
    const entry = target?.import?.default?.replace("./dist/", `${folder}/src/`).replace(/\.js$/, ".ts");
    const text = texts.get(entry?.split("/").join(sep)) ?? "";
    for (const [, list] of text.matchAll(/export\s*\{([^}]*)\}/g)) {
      for (const item of list.split(",")) {
        if (!/^\s*type\s/.test(item)) names.add(item.trim().split(/\s+as\s+/)[0]);
      }
    }
  }
  return names;
}

/** A test in the same folder uses each public function by name. */
function checkTested(texts, isPublic, report) {
  for (const [file, text] of texts) {
    if (/\.test(-d)?\.ts$|\.d\.ts$|[\\/](internal|generated|__fixtures__)[\\/]|[\\/]index\.ts$/.test(file)) continue;
    const declared = [...text.matchAll(/^export (?:async )?(?:function\*?|(?:abstract )?class) (\w+)/gm)].map(
      ([, name]) => name,
    );
    const names = [...new Set(declared)].filter((name) => isPublic.has(name));
    const neighbours = [...texts].filter(([other]) => other.endsWith(".test.ts") && dirname(other) === dirname(file));
    for (const name of names) {
      const used = new RegExp(`\\b${name}\\b`);
      if (!neighbours.some(([, test]) => used.test(test)))
        report(file, `exports ${name}, which no test beside it uses`);
    }
  }
}

/** Module names of static imports and exports, and of `import("…")`, comments left out. */
function importsOf(text) {
  const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  const found = new Set();
  const expression =
    /(?:^|\n)\s*(?:import|export)\b[^"';]*?\bfrom\s*["']([^"']+)["']|(?:^|\n)\s*import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/g;
  for (const match of code.matchAll(expression)) found.add(match[1] ?? match[2] ?? match[3]);
  return found;
}

/** A dependency has one version range in the repository, per kind of dependency. */
function checkVersionsAgree({ packages, report }) {
  for (const field of DEPENDENCY_FIELDS) {
    const first = new Map();
    for (const { folder, manifest } of packages) {
      for (const [dependency, range] of Object.entries(manifest[field] ?? {})) {
        const earlier = first.get(dependency);
        if (!earlier) first.set(dependency, { folder, range });
        else if (earlier.range !== range) {
          report(
            `${folder}/package.json`,
            `${field}.${dependency} is ${range}, but ${earlier.range} in ${earlier.folder}`,
          );
        }
      }
    }
  }
}

/** Each runtime dependency that is not ours has a record of why it is there. */
function checkDecisions({ root, packages, report }) {
  const folder = join(root, "docs/decisions");
  const records = existsSync(folder) ? readdirSync(folder).map((file) => readFileSync(join(folder, file), "utf8")) : [];
  for (const { folder: packageFolder, manifest } of packages) {
    for (const dependency of Object.keys(manifest.dependencies ?? {})) {
      if (dependency.startsWith("@acr/")) continue;
      const mentions = new RegExp(`(^|[^\\w-])${dependency.replaceAll("/", "\\/")}($|[^\\w-])`);
      if (!records.some((text) => mentions.test(text))) {
        report(`${packageFolder}/package.json`, `dependency ${dependency} has no record in docs/decisions`);
      }
    }
  }
}

/** A changeset that does not parse stops the whole release, and formatters of markdown break them easily. */
function checkChangesets({ root, packages, report }) {
  const folder = join(root, ".changeset");
  if (!existsSync(folder)) return;
  const names = new Set(packages.map(({ manifest }) => manifest.name));
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".md") && name !== "README.md")) {
    const text = readFileSync(join(folder, file), "utf8");
    const parts = /^---\n\n?((?:"[^"\n]+": (?:patch|minor|major)\n)+)---\n\s*\S/.exec(text);
    if (!parts) {
      report(
        `.changeset/${file}`,
        'must start with --- , lines like "@acr/loss": minor, and --- , then say what users see',
      );
      continue;
    }
    for (const [, name] of parts[1].matchAll(/^"([^"]+)"/gm)) {
      if (!names.has(name)) report(`.changeset/${file}`, `names ${name}, which is no package here`);
    }
  }
}

function checkMachinePaths({ root, report }) {
  for (const file of trackedFiles(root)) {
    if (!TEXT_FILE.test(file) || !existsSync(join(root, file))) continue;
    const lines = readFileSync(join(root, file), "utf8").split("\n");
    const line = lines.findIndex((text) => MACHINE_PATH.test(text));
    if (line >= 0) report(`${file}:${line + 1}`, `names a path of one machine: ${lines[line].trim().slice(0, 100)}`);
  }
}

/** Links of Markdown to files and headings of this repository. */
function checkLinks({ root, report }) {
  const documents = trackedFiles(root).filter((file) => file.endsWith(".md") && existsSync(join(root, file)));
  const read = (file) => readFileSync(join(root, file), "utf8").replace(/^ *```[\s\S]*?^ *```/gm, "");
  for (const document of documents) {
    for (const [, link] of read(document).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const [path, heading] = decodeURI(link).split("#");
      const file = path === "" ? document : join(dirname(document), path);
      if (!existsSync(join(root, file))) report(document, `links to ${link}, which is not there`);
      else if (heading && file.endsWith(".md") && !headingIds(read(file)).includes(heading))
        report(document, `links to ${link}, but ${file} has no such heading`);
    }
  }
}

/** What GitHub calls the headings of a text in links. */
const headingIds = (text) =>
  [...text.matchAll(/^#+ +(.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(" ", "-"),
  );

/** What git knows or would add; all files where there is no git. */
function trackedFiles(root) {
  try {
    return execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    })
      .split("\0")
      .filter(Boolean);
  } catch {
    return filesUnder(root, ".").filter((file) => !file.includes("node_modules"));
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) {
  const root = process.argv[2] ? resolve(process.argv[2]) : fileURLToPath(new URL("../..", import.meta.url));
  const faults = checkRepository(root);
  for (const { file, message } of faults) console.error(`${file}: ${message}`);
  if (faults.length > 0) console.error(`${faults.length} faults.`);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
