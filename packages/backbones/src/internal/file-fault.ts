/** What failed, and in parentheses the system's word for why (ENOENT: no such file), where it gave one. */
export function fileFault(what: string, cause: unknown): string {
  const { code } = (cause ?? {}) as { code?: unknown };
  return typeof code === "string" ? `${what} (${code}).` : `${what}.`;
}
