import { readFile } from "node:fs/promises";
import { DataFormatError } from "@acr/core";

/** Reads a file that must hold one JSON object. */
export async function readJsonFile(file: string, what: string): Promise<Record<string, unknown>> {
  const text = await readFile(file, "utf8").catch((cause) => {
    throw new DataFormatError(`cannot be read; expected ${what} as JSON.`, { file, cause });
  });
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    throw new DataFormatError(`is not JSON: ${(cause as Error).message}.`, { file, cause });
  }
  if (value === null || typeof value !== "object" || Array.isArray(value))
    throw new DataFormatError(`must hold ${what} as one JSON object.`, { file });
  return value as Record<string, unknown>;
}
