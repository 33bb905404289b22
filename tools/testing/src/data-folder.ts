import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Path inside the real data sets (research only, never in git), or `undefined`, with a message, where they are absent. */
export function dataFolder(path = ""): string | undefined {
  const root = process.env.ACR_DATA ?? fileURLToPath(new URL("../../../../shared/data", import.meta.url));
  const folder = `${root}/${path}`;
  if (existsSync(folder)) return folder;
  console.warn(`Real data not found (${path}): set ACR_DATA to the folder that holds it. Its tests are skipped.`);
  return undefined;
}
