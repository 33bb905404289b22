import { createRandom } from "@acr/core";
import { LOSS_RULES } from "./internal/loss-rules.js";

/** Options with other switch points than the defaults, and where these lie. */
const CASES: [name: string, options: object, switches: number[]][] = [
  ["l1", {}, []],
  ["l2", {}, []],
  ["smoothL1", { beta: 0.3 }, [0.3]],
  ["huber", { delta: 2 }, [2]],
  ["wing", { width: 3, curvature: 0.7 }, [3]],
  ["softWing", { omega1: 1.5, omega2: 4, epsilon: 0.5 }, [1.5]],
  ["rectifiedWing", { width: 3, curvature: 0.7, rectify: 0.25 }, [0.25, 3]],
  ["charbonnier", { epsilon: 0.2 }, []],
  ["logCosh", {}, [1]],
  ["acr", { lambda: 3, scale: 4 }, [0.25]],
  ["acr", { lambda: 3, joint: "reference" }, [1]],
];
const DIFFICULTIES = [0, 0.3, 0.8, 1];

describe.each(CASES)("%s %j in float64", (name, options, switches) => {
  const rule = LOSS_RULES[name]!(options);
  const random = createRandom(name);
  const points = [
    ...switches.flatMap((at) => [at - 1e-3, at + 1e-3]),
    ...Array.from({ length: 40 }, () => random.uniform(0.01, 6)),
  ].filter((e) => switches.every((at) => Math.abs(e - at) > 5e-4));

  it.each(DIFFICULTIES)(
    "has the derivatives that finite differences give, on both sides of each switch, at Φ = %d",
    (phi) => {
      const central = (f: (e: number) => number, e: number) => {
        const h = 1e-4 * Math.min(1, e);
        return (8 * (f(e + h) - f(e - h)) - (f(e + 2 * h) - f(e - 2 * h))) / (12 * h);
      };
      for (const positive of points) {
        for (const e of [positive, -positive]) {
          const slope = central((x) => rule.value(Math.sign(e) * x, phi), positive) * Math.sign(e);
          expect(Math.abs(rule.slope(e, phi) - slope)).toBeLessThan(1e-7 * Math.max(1, Math.abs(slope)));
          const curvature = central((x) => rule.slope(Math.sign(e) * x, phi), positive) * Math.sign(e);
          expect(Math.abs(rule.curvature(e, phi) - curvature)).toBeLessThan(1e-6 * Math.max(1, Math.abs(curvature)));
        }
      }
    },
  );

  it("is even, monotone in |e|, and 0 with slope 0 and a finite curvature at e = 0", () => {
    for (const phi of DIFFICULTIES) {
      let before = 0;
      for (let e = 0.01; e < 6; e += 0.07) {
        const value = rule.value(e, phi);
        expect(rule.value(-e, phi)).toBe(value);
        expect(rule.slope(-e, phi)).toBe(0 - rule.slope(e, phi));
        // The reference joint of ACR jumps, by definition.
        if (name !== "acr" || !("joint" in options)) expect(value).toBeGreaterThanOrEqual(before);
        before = value;
      }
      expect(rule.value(0, phi)).toBe(0);
      expect(Math.abs(rule.slope(0, phi))).toBe(0);
      expect(Number.isFinite(rule.curvature(0, phi))).toBe(true);
      for (const f of [rule.value, rule.slope, rule.curvature]) {
        if (name === "l2" && f === rule.curvature) continue;
        if (["l1", "smoothL1", "huber", "wing", "softWing", "rectifiedWing"].includes(name) && f === rule.curvature)
          continue;
        expect(f(Number.NaN, phi)).toBeNaN();
      }
    }
  });

  it("is continuous at its joints", () => {
    if ("joint" in options)
      return expect(rule.value(1 + 1e-9, 0.5) - rule.value(1, 0.5)).toBeCloseTo((0.5 - 3) * Math.LN2, 6);
    for (const at of switches)
      for (const phi of DIFFICULTIES) expect(rule.value(at + 1e-9, phi)).toBeCloseTo(rule.value(at - 1e-9, phi), 6);
  });
});
