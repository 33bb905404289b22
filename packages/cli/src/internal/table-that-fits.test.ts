import { tableThatFits } from "./table-that-fits.js";

const ROWS = [
  { trial: "acr-0.001", seeds: 2, "NME %": "7.42 ± 0.12", "best NME %": "7.33", minutes: "0.1", status: "2 finished" },
  { trial: "l2-0.001", seeds: 2, "NME %": "8.42 ± 0.12", "best NME %": "8.33", minutes: "0.1", status: "2 finished" },
];
const titles = (text: string) => text.split("\n")[0]!.split(/ {2,}/);

it("tableThatFits(rows, columns) leaves out what matters least until every line fits, and keeps names and scores", () => {
  expect(titles(tableThatFits(ROWS, 100))).toEqual(Object.keys(ROWS[0]!));
  expect(titles(tableThatFits(ROWS, 60))).toEqual(["trial", "seeds", "NME %", "best NME %", "status"]);
  expect(titles(tableThatFits(ROWS, 41))).toEqual(["trial", "seeds", "NME %", "status"]);
  expect(titles(tableThatFits(ROWS, 3))).toEqual(["trial", "NME %"]);
  for (let columns = 25; columns < 100; columns++)
    for (const line of tableThatFits(ROWS, columns).split("\n")) expect(line.length).toBeLessThanOrEqual(columns);
});
