import { DataFormatError } from "@acr/core";

/** A row and the line it starts on. */
export interface CsvRow {
  cells: string[];
  line: number;
}

/** Rows of a CSV file (RFC 4180): quotes, doubled quotes, line ends within quotes; blank lines are passed over. */
export function parseCsvRows(text: string, { file }: { file: string }): CsvRow[] {
  const rows: CsvRow[] = [];
  let cells: string[] = [];
  let [line, first] = [1, 1];
  let at = text.startsWith("\uFEFF") ? 1 : 0;
  const endRow = () => {
    if (cells.length > 1 || cells[0]?.trim() !== "") rows.push({ cells, line: first });
    cells = [];
    first = line;
  };
  while (at <= text.length) {
    let cell: string;
    if (text[at] === '"') {
      const parts: string[] = [];
      for (at++; ; ) {
        const close = text.indexOf('"', at);
        if (close < 0) throw new DataFormatError("a quote is not closed.", { file, line: first });
        parts.push(text.slice(at, close));
        at = close + 1;
        if (text[at] !== '"') break;
        parts.push('"');
        at++;
      }
      cell = parts.join("");
      for (const letter of cell) if (letter === "\n") line++;
    } else {
      const stop = nextStop(text, at);
      cell = text.slice(at, stop);
      at = stop;
    }
    cells.push(cell);
    const letter = text[at];
    if (letter === undefined) {
      endRow();
      break;
    }
    if (letter !== "," && letter !== "\n" && letter !== "\r")
      throw new DataFormatError(`expected a comma behind a quoted cell; got "${letter}".`, { file, line });
    at++;
    if (letter === ",") continue;
    if (letter === "\r" && text[at] === "\n") at++;
    line++;
    endRow();
  }
  return rows;
}

function nextStop(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 44 || code === 10 || code === 13) return at;
  }
  return text.length;
}
