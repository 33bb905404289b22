import type { Box } from "@acr/core";
import { InvalidArgumentError } from "commander";

/** Parses the value of an option that counts something. */
export function parseCount(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError(`expected an integer >= 1; got "${text}".`);
  return value;
}

/** Parses any integer. */
export function parseInteger(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value))
    throw new InvalidArgumentError(`expected an integer; got "${text}".`);
  return value;
}

/** Parses any finite number. */
export function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value))
    throw new InvalidArgumentError(`expected a number; got "${text}".`);
  return value;
}

/** Parses a positive number. */
export function parsePositive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError(`expected a number > 0; got "${text}".`);
  return value;
}

/** Parses a JSON object. */
export function parseJsonObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Reported below with the text itself.
  }
  throw new InvalidArgumentError(`expected a JSON object such as '{"lambda":5}'; got "${text}".`);
}

/** Parses `x0,y0,x1,y1`. */
export function parseBox(text: string): Box {
  const values = text.split(",").map(Number);
  const [x0, y0, x1, y1] = values;
  if (values.length !== 4 || !values.every(Number.isFinite) || x1! <= x0! || y1! <= y0!) {
    throw new InvalidArgumentError(`expected x0,y0,x1,y1 with x1 > x0 and y1 > y0; got "${text}".`);
  }
  return [x0!, y0!, x1!, y1!];
}

/** Parses a share of a box, above 0 and below 1. */
export function parseNoise(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError(`expected a number between 0 and 1; got "${text}".`);
  return value;
}

/** Gathers the values of an option that may be repeated. */
export function collect(value: string, all: readonly string[] | undefined): string[] {
  return [...(all ?? []), value];
}
