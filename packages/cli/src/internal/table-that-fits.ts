import { renderTable, type TableRow } from "@acr/report";

/** Left out of a terminal that is too narrow, one after the other; `--json` and files have them all. */
const LESS_IMPORTANT = ["minutes", "best NME %", "AUC@0.1", "failures %", "seeds", "seed", "epochs", "epoch", "status"];

/** A table as text, with as many of its columns as the terminal has room for; broken lines cannot be read. */
export function tableThatFits(rows: readonly TableRow[], columns: number): string {
  const left = [...LESS_IMPORTANT];
  let shown = rows;
  for (;;) {
    const table = renderTable(shown, { format: "text" });
    const name = left.shift();
    if (name === undefined || table.split("\n").every((line) => line.length <= columns)) return table;
    shown = shown.map((row) => Object.fromEntries(Object.entries(row).filter(([column]) => column !== name)));
  }
}
