import { listHeads } from "./list-heads.js";

test("listHeads() names all heads, the paper's first", () => {
  expect(listHeads()).toEqual(["gap", "integral", "simcc", "pip"]);
});
