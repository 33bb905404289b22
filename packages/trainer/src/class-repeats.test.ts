import { classRepeats } from "./class-repeats.js";

it("classRepeats shows rare classes more often, up to the limit", () => {
  // 12 faces, 3 classes of 8, 3 and 1: N / (C · n) = 0.5, 1.33, 4.
  const classes = [...new Array(8).fill("a"), ...new Array(3).fill("b"), "c"];
  const of = (strength: number, maximumRepeat = 10) => classRepeats(classes, { strength, maximumRepeat }).slice(7);
  expect(of(1)).toEqual([1, 1, 1, 1, 4]);
  expect(of(0.5)).toEqual([1, 1, 1, 1, 2]);
  expect(of(0)).toEqual([1, 1, 1, 1, 1]);
  expect(of(1, 3)).toEqual([1, 1, 1, 1, 3]);
  expect(classRepeats([], { strength: 1, maximumRepeat: 2 })).toEqual([]);
});

it("classRepeats refuses values out of range", () => {
  expect(() => classRepeats([], { strength: -1, maximumRepeat: 1 })).toThrow("strength must be in [0, 1]; got -1");
  expect(() => classRepeats([], { strength: 1, maximumRepeat: 1.5 })).toThrow("maximumRepeat must be an integer");
});
