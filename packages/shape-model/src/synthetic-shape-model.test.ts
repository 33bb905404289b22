import { getLandmarkScheme } from "@acr/core";
import { paperSchedule } from "./stage-at.js";
import { stageModes } from "./stage-modes.js";
import { syntheticShapeModel } from "./synthetic-shape-model.js";

describe("syntheticShapeModel(scheme)", () => {
  it.each(["ibug68", "cofw29", "wflw98"])("holds all modes of an upright, symmetric face of %s", (id) => {
    const scheme = getLandmarkScheme(id);
    const model = syntheticShapeModel(id);
    model.checkScheme(scheme);
    expect(model.modes).toHaveLength(2 * scheme.landmarkCount);
    expect(stageModes(model).map(({ stage }) => stage)).toEqual(paperSchedule);
    // Fitted with mirror images: the mean is its own, to float32.
    for (let k = 0; k < scheme.landmarkCount; k++) {
      expect(model.mean[2 * k]).toBeCloseTo(-model.mean[2 * scheme.mirror[k]!]!, 5);
      expect(model.mean[2 * k + 1]).toBeCloseTo(model.mean[2 * scheme.mirror[k]! + 1]!, 5);
    }
    const [right, left] = scheme.normalizers["inter-ocular"].map(([corner]) => model.mean[2 * corner!]!);
    expect(left! - right!).toBeGreaterThan(0.3);
    expect(Math.max(...model.mean.map(Math.abs))).toBeLessThan(0.5);
  });

  it("reconstructs faces drawn from itself to float32", () => {
    const model = syntheticShapeModel("ibug68");
    const face = model.sample(3, { modes: 40 });
    const back = model.reconstruct(model.project(face));
    expect(Math.max(...back.map((value, q) => Math.abs(value - face[q]!)))).toBeLessThan(1e-6);
  });

  it("names the schemes it has", () => {
    expect(() => syntheticShapeModel("ibug")).toThrow('scheme must be one of ibug68, cofw29, wflw98; got "ibug"');
  });
});
