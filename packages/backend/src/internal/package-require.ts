/**
 * A `require` that finds a package: from this package first (its peers), then from the working folder and from the
 * script that was started, which differ when this package is linked or installed globally.
 *
 * @returns `undefined` where the package is not installed. Node only.
 */
export async function packageRequire(name: string): Promise<NodeJS.Require | undefined> {
  const { createRequire } = await import("node:module");
  const { realpathSync } = await import("node:fs");
  const { join } = await import("node:path");
  // The CommonJS build has __filename and no import.meta, the ESM build the reverse.
  const here = typeof __filename === "string" ? __filename : import.meta.url;
  const roots = [() => here, () => join(process.cwd(), "index.js"), () => realpathSync(process.argv[1]!)];
  for (const root of roots) {
    try {
      const require = createRequire(root());
      require.resolve(`${name}/package.json`);
      return require;
    } catch {
      // Not from here: the next root may see it.
    }
  }
  return undefined;
}
