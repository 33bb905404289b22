import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

/** Installed tfjs-node packages, seen from the program's folder and from this package. */
export function resolvePackage(
  names: readonly string[] = ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"],
): { name: string; path: string; dir: string }[] {
  const places = [join(process.cwd(), "package.json"), import.meta.url ?? pathToFileURL(__filename).href];
  const found = new Map<string, { name: string; path: string; dir: string }>();
  for (const name of names) {
    for (const place of places) {
      const require = createRequire(place);
      try {
        const dir = dirname(require.resolve(`${name}/package.json`));
        if (!found.has(dir)) found.set(dir, { name, path: require.resolve(name), dir });
      } catch {}
    }
  }
  return [...found.values()];
}
