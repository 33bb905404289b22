import { PUBLISHED_300W } from "./split-300w.js";

/** Says which folders hold fewer faces than were published, or `undefined`. */
export function shortCountWarning(
  split: string,
  folders: readonly string[],
  found: (folder: string) => number,
): string | undefined {
  const short = folders.filter((folder) => found(folder) < (PUBLISHED_300W[folder] ?? 0));
  if (short.length === 0) return undefined;
  const total = (count: (folder: string) => number) => folders.reduce((sum, folder) => sum + count(folder), 0);
  const parts = short.map((folder) => `${folder} ${found(folder)} of ${PUBLISHED_300W[folder]}`);
  return `300-W ${split} is short: ${total(found)} of ${total((folder) => PUBLISHED_300W[folder] ?? 0)} faces (${parts.join(", ")}).`;
}
