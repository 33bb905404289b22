import { cofw29, getLandmarkScheme, ibug68, wflw98 } from "./index.js";

describe.each([ibug68, cofw29, wflw98])("scheme $id", (scheme) => {
  it("names every landmark once", () => {
    expect(scheme.names).toHaveLength(scheme.landmarkCount);
    expect(new Set(scheme.names).size).toBe(scheme.landmarkCount);
  });

  it("has a mirror map that is its own inverse and swaps right and left names", () => {
    scheme.mirror.forEach((other, i) => {
      expect(scheme.mirror[other]).toBe(i);
      const swapped = scheme.names[i]!.replace(/^right|^left/, (side) => (side === "right" ? "left" : "right"));
      expect(scheme.names[other]!).toBe(swapped);
    });
  });

  it("puts every landmark into exactly one group", () => {
    const members = Object.values(scheme.groups).flat();
    expect(members.toSorted((a, b) => a - b)).toEqual([...Array(scheme.landmarkCount).keys()]);
  });

  it("has normalisers that mirror into each other", () => {
    for (const [right, left] of Object.values(scheme.normalizers)) {
      expect(right.map((i) => scheme.mirror[i]).sort()).toEqual([...left].sort());
    }
  });
});

it("getLandmarkScheme finds by id and refuses unknown ids with the nearest one", () => {
  expect(getLandmarkScheme("ibug68")).toBe(ibug68);
  expect(() => getLandmarkScheme("ibug69")).toThrow('unknown scheme "ibug69"; did you mean ibug68?');
});
