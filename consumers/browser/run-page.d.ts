/** The command that starts Chromium; undefined where there is none. */
export function findChromium(): string | undefined;
/** Serves files to headless Chromium and gives the JSON that the page posts. */
export function runPage(
  browser: string,
  read: (path: string) => string | Uint8Array | undefined,
  options?: { flags?: readonly string[]; timeoutMs?: number },
): Promise<unknown>;
