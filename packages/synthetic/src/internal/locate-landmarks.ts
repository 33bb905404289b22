import type { LandmarkScheme } from "@acr/core";
import type { FaceCurves } from "./face-curves.js";
import type { HeadRow } from "./head-surface.js";
import type { Project, Projected } from "./projection.js";

/** Angles tried when a jaw point slides along its row to the outline of the turned head. */
const SLIDE_STEPS = 24;

/**
 * A jaw point, `index` in 0 … 16 in steps of 1/2. As in 300-W it stays on the visible contour: on the far side of a
 * turned head it slides forward along its height to where the head ends for the camera.
 */
function jawPoint(curves: FaceCurves, project: Project, index: number): Projected {
  const { surface } = curves;
  const side = index < 8 ? -1 : 1;
  const k = index <= 8 ? index : 16 - index;
  const row: HeadRow = surface.jawRow(k);
  if (k === 8) return project(surface.rowPoint(row, 0));
  const [before, after] = [surface.jawRow(k - (k > 0 ? 0.5 : 0)), surface.jawRow(k + 0.5)];
  // Outward normal of the frontal outline, turned with the head in the image plane.
  const origin = project([0, row.y, row.side]);
  const right = project([0.01, row.y, row.side]);
  const down = project([0, row.y - 0.01, row.side]);
  const normalX = before.y - after.y;
  const normalY = Math.max(0, before.width - after.width);
  const roll = Math.atan2(down[0] - origin[0], down[1] - origin[1]);
  const towards = right[0] > origin[0] ? 1 : -1;
  const outX = side * towards * normalX * Math.cos(roll) + normalY * Math.sin(roll);
  const outY = -side * towards * normalX * Math.sin(roll) + normalY * Math.cos(roll);
  const score = (angle: number) => {
    const [x, y] = project(surface.rowPoint(row, side * angle));
    return x * outX + y * outY;
  };
  const step = (Math.PI / 2) * (0.8 / SLIDE_STEPS);
  let best = 0;
  let highest = score(Math.PI / 2);
  for (let j = 1; j <= SLIDE_STEPS; j++) {
    const height = score(Math.PI / 2 - j * step);
    if (height <= highest) continue;
    best = j;
    highest = height;
  }
  let angle = Math.PI / 2 - best * step;
  if (best > 0 && best < SLIDE_STEPS) {
    const [a, b, c] = [score(angle + step), score(angle), score(angle - step)];
    const curvature = a - 2 * b + c;
    if (curvature < 0) angle -= (0.5 * (a - c) * step) / curvature;
  }
  return project(surface.rowPoint(row, side * angle));
}

/** All points that any scheme knows, by part, each computed when asked for. */
function locators(curves: FaceCurves, project: Project) {
  const lid = (side: -1 | 1, which: "upper" | "lower", s: number) => project(curves.lid(side, which, s));
  const brow = (side: -1 | 1, which: "upper" | "lower", s: number) => project(curves.brow(side, which, s));
  return {
    lid,
    brow,
    browInner: (side: -1 | 1) => {
      const [a, b] = [curves.brow(side, "upper", 1), curves.brow(side, "lower", 1)];
      return project([(a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2]);
    },
    pupil: (side: -1 | 1) => project(curves.pupil(side)),
    nose: (index: number) => project(curves.nose(index)),
    mouth: (index: number) => project(curves.mouth(index)),
    jaw: (index: number) => jawPoint(curves, project, index),
  };
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Landmarks of a scheme, projected, in the scheme's order. */
export function locateLandmarks(scheme: LandmarkScheme, curves: FaceCurves, project: Project): Projected[] {
  const at = locators(curves, project);
  switch (scheme.id) {
    case "ibug68":
      return [
        ...range(17).map((i) => at.jaw(i)),
        ...range(5).map((i) => at.brow(-1, "upper", i / 4)),
        ...range(5).map((i) => at.brow(1, "upper", 1 - i / 4)),
        ...range(9).map((i) => at.nose(i)),
        ...range(4).map((i) => at.lid(-1, "upper", i / 3)),
        at.lid(-1, "lower", 2 / 3),
        at.lid(-1, "lower", 1 / 3),
        ...range(4).map((i) => at.lid(1, "upper", 1 - i / 3)),
        at.lid(1, "lower", 1 / 3),
        at.lid(1, "lower", 2 / 3),
        ...range(20).map((i) => at.mouth(i)),
      ];
    case "wflw98":
      return [
        ...range(33).map((i) => at.jaw(i / 2)),
        ...range(5).map((i) => at.brow(-1, "upper", i / 4)),
        ...range(4).map((i) => at.brow(-1, "lower", 1 - i / 4)),
        ...range(5).map((i) => at.brow(1, "upper", 1 - i / 4)),
        ...range(4).map((i) => at.brow(1, "lower", (i + 1) / 4)),
        ...range(9).map((i) => at.nose(i)),
        ...range(5).map((i) => at.lid(-1, "upper", i / 4)),
        ...range(3).map((i) => at.lid(-1, "lower", (3 - i) / 4)),
        ...range(5).map((i) => at.lid(1, "upper", 1 - i / 4)),
        ...range(3).map((i) => at.lid(1, "lower", (i + 1) / 4)),
        ...range(20).map((i) => at.mouth(i)),
        at.pupil(-1),
        at.pupil(1),
      ];
    default:
      return [
        at.brow(-1, "upper", 0),
        at.brow(1, "upper", 0),
        at.browInner(-1),
        at.browInner(1),
        at.brow(-1, "upper", 0.5),
        at.brow(-1, "lower", 0.5),
        at.brow(1, "upper", 0.5),
        at.brow(1, "lower", 0.5),
        at.lid(-1, "upper", 0),
        at.lid(1, "upper", 0),
        at.lid(-1, "upper", 1),
        at.lid(1, "upper", 1),
        at.lid(-1, "upper", 0.5),
        at.lid(-1, "lower", 0.5),
        at.lid(1, "upper", 0.5),
        at.lid(1, "lower", 0.5),
        at.pupil(-1),
        at.pupil(1),
        at.nose(4),
        at.nose(8),
        at.nose(3),
        at.nose(6),
        at.mouth(0),
        at.mouth(6),
        at.mouth(3),
        at.mouth(14),
        at.mouth(18),
        at.mouth(9),
        at.jaw(8),
      ];
  }
}
