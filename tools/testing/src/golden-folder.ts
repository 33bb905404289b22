import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Path inside the reference values of other libraries, or `undefined`, with a message, where they are absent. */
export function goldenFolder(path: string): string | undefined {
  const root = process.env.ACR_GOLDEN ?? fileURLToPath(new URL("../../../../shared/golden", import.meta.url));
  const folder = `${root}/${path}`;
  if (existsSync(folder)) return folder;
  console.warn(`Reference values not found (${path}): set ACR_GOLDEN to their folder. Their tests are skipped.`);
  return undefined;
}
