import { exampleShapes } from "./__fixtures__/example-shapes.js";
import { PointModel } from "./point-model.js";
import { paperSchedule } from "./stage-at.js";
import { stageModes } from "./stage-modes.js";

const model = PointModel.fit(exampleShapes(60));

describe("stageModes(model, schedule)", () => {
  it("counts the fewest modes that reach each share, and that share of all modes", () => {
    const rows = stageModes(model);
    expect(rows.map(({ byCount }) => byCount)).toEqual([8, 9, 9, 10, 10]);
    for (const { stage, byVariance, byCount, varianceByCount } of rows) {
      const share = (k: number) =>
        model.eigenvalues.slice(0, k).reduce((sum, value) => sum + value, 0) / model.totalVariance;
      expect(share(byVariance)).toBeGreaterThanOrEqual(stage.fraction);
      expect(share(byVariance - 1)).toBeLessThan(stage.fraction);
      expect(varianceByCount).toBeCloseTo(share(byCount), 12);
    }
    expect(rows.map(({ stage }) => stage)).toEqual(paperSchedule);
  });

  it("refuses schedules that make no sense", () => {
    expect(() => stageModes(model, [])).toThrow("at least one stage; got none");
    expect(() => stageModes(model, [{ from: 0, fraction: 2 }])).toThrow("fraction must be in (0, 1]; got 2");
  });
});
