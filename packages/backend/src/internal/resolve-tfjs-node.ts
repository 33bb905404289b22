import { type NodeModules, nodeModules } from "./node-modules.js";

/** Where this package lies. Bundled to CommonJS, `import.meta` is empty. */
export const packageUrl = ({ url }: NodeModules): string => import.meta.url ?? url.pathToFileURL(__filename).href;

/** Installed tfjs-node packages, seen from the program's folder and from this package. */
export async function resolvePackage(
  names: readonly string[] = ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"],
): Promise<{ name: string; path: string; dir: string }[]> {
  const node = await nodeModules();
  const { module, path } = node;
  const places = [path.join(process.cwd(), "package.json"), packageUrl(node)];
  const found = new Map<string, { name: string; path: string; dir: string }>();
  for (const name of names) {
    for (const place of places) {
      const require = module.createRequire(place);
      try {
        const dir = path.dirname(require.resolve(`${name}/package.json`));
        if (!found.has(dir)) found.set(dir, { name, path: require.resolve(name), dir });
      } catch {
        // Not installed there.
      }
    }
  }
  return [...found.values()];
}
