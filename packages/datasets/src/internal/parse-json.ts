import { DataFormatError } from "@acr/core";

/** JSON, or a fault with the line where that is known. */
export function parseJson(text: string, file: string): unknown {
  const content = text.replace(/^\uFEFF/, "");
  try {
    return JSON.parse(content);
  } catch (error) {
    const message = (error as Error).message;
    const position = Number(/position (\d+)/.exec(message)?.[1] ?? Number.NaN);
    const line = Number.isNaN(position) ? undefined : content.slice(0, position).split("\n").length;
    throw new DataFormatError(`is not JSON: ${message.replaceAll(/\s+/g, " ").slice(0, 120)}.`, {
      file,
      ...(line !== undefined && { line }),
    });
  }
}
