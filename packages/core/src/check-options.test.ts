import { checkOptions, InvalidArgumentError, nearestNames } from "./index.js";

describe("checkOptions", () => {
  it("checkOptions(name, options, known) passes known names and undefined", () => {
    expect(() => checkOptions("wingLoss", { width: 3 }, ["width", "curvature"])).not.toThrow();
    expect(() => checkOptions("wingLoss", undefined, ["width"])).not.toThrow();
  });

  it("names the function, the unknown option and the nearest valid one", () => {
    const call = () => checkOptions("wingLoss", { widht: 3 }, ["curvature", "width"]);
    expect(call).toThrow(InvalidArgumentError);
    expect(call).toThrow('wingLoss: unknown option "widht". Did you mean width? Valid options: curvature, width.');
    expect(() => checkOptions("l2Loss", { width: 3 }, [])).toThrow('l2Loss: unknown option "width".');
  });

  it.each([
    [null, "null"],
    [[1], "an array"],
    [7, "number"],
  ])("refuses options that are %p", (options, got) => {
    expect(() => checkOptions("f", options as never, ["a"])).toThrow(`f: options must be an object; got ${got}.`);
  });
});

describe("nearestNames", () => {
  it("nearestNames(name, names) puts contained names first, then the fewest edits", () => {
    expect(nearestNames("wingloss", ["l1", "wing", "softWing"])[0]).toBe("wing");
    expect(nearestNames("mobilenetv2", ["efficientnet_b0", "mobilenet_v2_100"])[0]).toBe("mobilenet_v2_100");
    expect(nearestNames("hubre", ["wing", "huber", "l2"], 1)).toEqual(["huber"]);
  });

  it("keeps the given order among equals and gives no more than there are", () => {
    expect(nearestNames("x", ["l1", "l2"])).toEqual(["l1", "l2"]);
    expect(nearestNames("x", [])).toEqual([]);
  });
});
