import { DataFormatError } from "@acr/core";
import type { DataFault } from "../data-fault.js";

/** A fault from the error that a parser threw; other errors go on. */
export function toFault(error: unknown): DataFault {
  if (!DataFormatError.isInstance(error)) throw error;
  const { file, line, message } = error;
  const prefix = `${file}${line === undefined ? "" : `:${line}`}: `;
  return {
    file,
    ...(line !== undefined && { line }),
    message: message.startsWith(prefix) ? message.slice(prefix.length) : message,
  };
}
