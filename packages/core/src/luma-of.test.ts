import { lumaOf } from "./index.js";

it.each([
  { color: [0, 0, 0], luma: 0 },
  { color: [255, 255, 255], luma: 255 },
  { color: [255, 0, 0], luma: 76 },
  { color: [0, 255, 0], luma: 150 },
  { color: [0, 0, 255], luma: 29 },
  // Exactly a half, which goes up.
  // 28.5, a half, goes up.
  { color: [0, 0, 250], luma: 29 },
])("the luma of $color is $luma", ({ color: [red, green, blue], luma }) => {
  expect(lumaOf(red!, green!, blue!)).toBe(luma);
});
