import { wrapText } from "./wrap-text.js";

it("wrapText(text, columns) breaks between words, indents what follows, and keeps every word", () => {
  const text = "tensorflow is not installed. Run acr backend install tensorflow, or use wasm.";
  for (const columns of [80, 40, 20, 3]) {
    const lines = wrapText(text, columns).split("\n");
    expect(lines.map((line) => line.trim()).join(" ")).toBe(text);
    for (const line of lines) expect(line.length <= columns || !line.trim().includes(" ")).toBe(true);
    for (const line of lines.slice(1)) expect(line.startsWith("  ")).toBe(true);
  }
  expect(wrapText(text, 80)).toBe(text);
  expect(wrapText(text, undefined)).toBe(text);
});
