/**
 * Adds an integer to a number in decimal, without the rounding of binary addition, so that one-based text gives every
 * double back: 0.1 + 1 has no double y with y − 1 = 0.1, but "1.1" − 1 is "0.1".
 */
export function shiftDecimal(text: string, shift: number): string {
  const plain = /e/i.test(text) ? withoutExponent(Number(text)) : text;
  const match = /^([+-]?)(\d*)\.?(\d*)$/.exec(plain.trim());
  if (!match || (match[2] === "" && match[3] === "")) return "NaN";
  const [, sign, whole = "", fraction = ""] = match;
  const scale = 10n ** BigInt(fraction.length);
  const value = BigInt(whole + fraction) * (sign === "-" ? -1n : 1n) + BigInt(shift) * scale;
  const digits = (value < 0n ? -value : value).toString().padStart(fraction.length + 1, "0");
  const cut = digits.length - fraction.length;
  return `${value < 0n ? "-" : ""}${digits.slice(0, cut)}${fraction === "" ? "" : `.${digits.slice(cut)}`}`;
}

/** Decimal digits of a number, never with an exponent; of the very small, at most 100 behind the point. */
export function withoutExponent(value: number): string {
  const short = `${value}`;
  if (!/e/i.test(short)) return short;
  for (let digits = 0; digits <= 100; digits++)
    if (Number(value.toFixed(digits)) === value) return value.toFixed(digits);
  return value.toFixed(100);
}
