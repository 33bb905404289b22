import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ALLOWED_SIBLINGS, checkRepository } from "./check-repository.mjs";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const folders = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const README =
  "# x\n\n```sh\nnpm install x\n```\n## Example\n## Shapes and frames\n## API\n## Limits\n## References\n## Licence\n";
const SOURCE = 'import { double } from "@acr/core";\nexport function triple(x: number) {\n  return x + double(x);\n}\n';

/** A small repository without faults, then changed by `change(write, edit)`. */
function faultsAfter(change = () => {}) {
  const root = mkdtempSync(join(tmpdir(), "acr-lint-"));
  folders.push(root);
  const write = (file, text) => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  };
  const edit = (file, mutate) => {
    const manifest = JSON.parse(readFileSync(join(root, file), "utf8"));
    const changed = mutate(manifest);
    // Most changes name a part of the manifest and return that part; one returns a whole new manifest.
    write(file, JSON.stringify("exports" in changed ? changed : manifest));
  };
  cpSync(join(repository, "LICENSE"), join(root, "LICENSE"));
  write("package.json", JSON.stringify({ devDependencies: { jest: "1.0.0" } }));
  for (const name of ["core", "loss", "metrics"]) {
    const manifest = JSON.parse(readFileSync(join(repository, `packages/${name}/package.json`), "utf8"));
    if (manifest.dependencies) manifest.dependencies = { "@acr/core": `^${manifest.version}` };
    write(`packages/${name}/package.json`, JSON.stringify(manifest));
    cpSync(join(repository, "LICENSE"), join(root, `packages/${name}/LICENSE`));
    write(`packages/${name}/README.md`, README);
    write(`packages/${name}/tsconfig.json`, "{}");
    write(`packages/${name}/src/index.ts`, 'export { triple } from "./triple.js";\n');
    write(
      `packages/${name}/src/triple.ts`,
      name === "core" ? SOURCE.split("\n").slice(1).join("\n").replace("double(x)", "2 * x") : SOURCE,
    );
    write(`packages/${name}/src/triple.test.ts`, 'import { triple } from "./triple.js";\ntriple(1);\n');
  }
  change(write, edit);
  return checkRepository(root).map(({ file, message }) => `${file}: ${message}`);
}

test("finds nothing in a repository without faults", () => assert.deepEqual(faultsAfter(), []));

const LOSS = "packages/loss/package.json";
const PLANTED = [
  [
    "another licence",
    (_, edit) => edit(LOSS, (m) => Object.assign(m, { license: "MIT" })),
    `${LOSS}: license must be "Apache-2.0"; got "MIT"`,
  ],
  [
    "another script",
    (_, edit) => edit(LOSS, (m) => Object.assign(m.scripts, { build: "tsc" })),
    `${LOSS}: script build must be "tsup`,
  ],
  [
    "another engine",
    (_, edit) => edit(LOSS, (m) => Object.assign(m.engines, { node: ">=18" })),
    `${LOSS}: engines must be {"node":">=20"}`,
  ],
  [
    "side effects",
    (_, edit) => edit(LOSS, (m) => Object.assign(m, { sideEffects: true })),
    `${LOSS}: sideEffects must be false; got true`,
  ],
  [
    "another order of fields",
    (_, edit) => edit(LOSS, ({ name, ...rest }) => ({ ...rest, name })),
    `${LOSS}: field order: version stands where name belongs`,
  ],
  [
    "no types for require",
    (_, edit) => edit(LOSS, (m) => Object.assign(m.exports["."], { require: "./dist/index.cjs" })),
    `${LOSS}: exports["."] must be {"import"`,
  ],
  [
    "tfjs as a dependency",
    (_, edit) => edit(LOSS, (m) => Object.assign(m.dependencies, { "@tensorflow/tfjs-core": "^4.22.0" })),
    `${LOSS}: @tensorflow/tfjs-core must be a peer dependency`,
  ],
  [
    "a dependency on a middle package",
    (_, edit) => edit(LOSS, (m) => Object.assign(m.dependencies, { "@acr/metrics": "^0.0.0" })),
    `${LOSS}: must not depend on @acr/metrics; it may import @acr/core`,
  ],
  [
    "two versions of a peer",
    (_, edit) => edit(LOSS, (m) => Object.assign(m.peerDependencies, { "@tensorflow/tfjs-core": "^3.0.0" })),
    "packages/loss/package.json: peerDependencies.@tensorflow/tfjs-core is ^3.0.0, but ^4.22.0 in packages/core",
  ],
  [
    "a dependency without a record",
    (_, edit) => edit(LOSS, (m) => Object.assign(m.dependencies, { leftpad: "^1.0.0" })),
    `${LOSS}: dependency leftpad has no record in docs/decisions`,
  ],
  [
    "no README",
    (write) => write("packages/loss/README.md", "# Loss\n"),
    "packages/loss/README.md: lacks a heading Limits",
  ],
  [
    "an import of a middle package",
    (write) => write("packages/loss/src/bad.ts", 'import { nme } from "@acr/metrics";\n'),
    "packages/loss/src/bad.ts: must not import @acr/metrics",
  ],
  [
    "a dynamic import of a middle package",
    (write) => write("packages/loss/src/bad.ts", 'await import("@acr/metrics");\n'),
    "packages/loss/src/bad.ts: must not import @acr/metrics",
  ],
  [
    "an import by path",
    (write) => write("packages/loss/src/bad.ts", 'export { nme } from "../../metrics/src/nme.js";\n'),
    "packages/loss/src/bad.ts: imports ../../metrics/src/nme.js, which lies outside the package",
  ],
  [
    "an undeclared dependency",
    (write) => write("packages/loss/src/bad.ts", 'import { x } from "jest";\n'),
    "packages/loss/src/bad.ts: imports jest, which packages/loss/package.json does not declare",
  ],
  [
    "a public function without a test",
    (write) => write("packages/loss/src/triple.test.ts", ""),
    "packages/loss/src/triple.ts: exports triple, which no test beside it uses",
  ],
  [
    "a path of one machine",
    (write) => write("packages/loss/src/bad.ts", `const a = 1;\nconst b = "/${"tmp"}/x";\n`),
    "packages/loss/src/bad.ts:2: names a path of one machine",
  ],
  [
    "a link to a file that is not there",
    (write) => write("docs/a.md", "[b](b.md)\n"),
    "docs/a.md: links to b.md, which is not there",
  ],
  [
    "a link to a heading that is not there",
    (write) => {
      write("docs/a.md", "[b](b.md#what-it-does), [c](b.md#how)\n```md\n[d](d.md)\n```\n");
      write("docs/b.md", "# What it does\n");
    },
    "docs/a.md: links to b.md#how, but docs/b.md has no such heading",
  ],
  [
    "a changeset that a formatter broke",
    (write) => write(".changeset/a.md", '---\n\n## "@acr/loss": minor\n\nFaster.\n'),
    ".changeset/a.md: must start with ---",
  ],
  [
    "a changeset of no package",
    (write) => write(".changeset/a.md", '---\n"@acr/los": minor\n---\n\nFaster.\n'),
    ".changeset/a.md: names @acr/los, which is no package here",
  ],
];
for (const [fault, plant, expected] of PLANTED) {
  test(`reports ${fault}`, () => {
    const found = faultsAfter(plant);
    assert.ok(
      found.some((line) => line.includes(expected)),
      `expected "${expected}", found:\n${found.join("\n")}`,
    );
  });
}

test("leaves tests free to import what the repository installs for development", () => {
  assert.deepEqual(
    faultsAfter((write) => write("packages/loss/src/a.test.ts", 'import "jest";\nimport "@acr/testing";\n')),
    [],
  );
});

test("biome.json refuses the same imports", () => {
  const { overrides } = JSON.parse(readFileSync(join(repository, "biome.json"), "utf8"));
  for (const [name, allowed] of Object.entries(ALLOWED_SIBLINGS)) {
    const override = overrides.find(({ includes }) => includes.includes(`packages/${name}/**`));
    const patterns = override.linter.rules.style.noRestrictedImports.options.patterns;
    const { group } = patterns.find((pattern) => pattern.group.includes("@acr/*"));
    const open = group.filter((glob) => glob.startsWith("!")).map((glob) => glob.slice("!@acr/".length));
    assert.deepEqual(open.filter((glob) => !glob.endsWith("/**")).sort(), [...allowed, name, "testing"].sort(), name);
  }
});
