import { InvalidArgumentError } from "@acr/core";

/** A row: column title to value. */
export type TableRow = Readonly<Record<string, string | number>>;
/** Where the table will be read. */
export type TableFormat = "text" | "markdown" | "latex" | "csv";

/** What a backslash alone does not make safe. */
const LATEX: Record<string, string> = {
  "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "<": "\\textless{}",
  ">": "\\textgreater{}",
  "–": "--",
  "−": "$-$",
};

/**
 * A table of rows that share their columns, in the order of the first row.
 *
 * @throws {InvalidArgumentError} no rows, or an unknown format.
 * @example renderTable([{ loss: "l2", "NME %": "5.1" }], { format: "markdown" });
 */
export function renderTable(rows: readonly TableRow[], { format }: { format: TableFormat }): string {
  if (rows.length === 0) throw new InvalidArgumentError("renderTable: rows must hold at least one row; got none.");
  const columns = Object.keys(rows[0]!);
  const cells = [columns, ...rows.map((row) => columns.map((column) => String(row[column] ?? "")))];
  switch (format) {
    case "text": {
      const widths = columns.map((_, c) => Math.max(...cells.map((line) => line[c]!.length)));
      const lines = cells.map((line) =>
        line
          .map((cell, c) => cell.padEnd(widths[c]!))
          .join("  ")
          .trimEnd(),
      );
      return [lines[0], widths.map((width) => "-".repeat(width)).join("  "), ...lines.slice(1)].join("\n");
    }
    case "markdown": {
      const lines = cells.map(
        (line) => `| ${line.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`,
      );
      return [lines[0], `|${columns.map(() => " --- |").join("")}`, ...lines.slice(1)].join("\n");
    }
    case "latex": {
      const escapeLatex = (cell: string) => cell.replaceAll(/[\\&%$#_{}~^<>–−]/g, (c) => LATEX[c] ?? `\\${c}`);
      const lines = cells.map((line) => `${line.map(escapeLatex).join(" & ")} \\\\`);
      return [
        `\\begin{tabular}{${"l".repeat(columns.length)}}`,
        lines[0],
        "\\hline",
        ...lines.slice(1),
        "\\end{tabular}",
      ].join("\n");
    }
    case "csv":
      return cells
        .map((line) => line.map((cell) => (/[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(","))
        .join("\n");
    default:
      throw new InvalidArgumentError(
        `renderTable: format must be text, markdown, latex or csv; got ${JSON.stringify(format)}.`,
      );
  }
}
