import type { Canvas } from "./canvas.js";
import type { FaceCurves, Side } from "./face-curves.js";
import { type Appearance, type Expression, mix, scale } from "./face-parameters.js";
import { hashNoise } from "./hash-noise.js";
import type { Point3 } from "./head-surface.js";
import type { Project, Projected } from "./projection.js";

const SIDES: readonly Side[] = [-1, 1];
/** How much nearer than a feature the head may be before it hides the feature, in head units. */
const TOLERANCE = 0.1;

const samples = (count: number, at: (s: number) => Point3): Point3[] =>
  Array.from({ length: count + 1 }, (_, k) => at(k / count));

/** Eyes, brows, nostrils, creases and mouth on top of the head. */
export function paintFeatures(
  canvas: Canvas,
  curves: FaceCurves,
  appearance: Appearance,
  expression: Expression,
  project: Project,
  samplesPerUnit: number,
  textureSeed: number,
): void {
  const { surface } = curves;
  const { layout } = surface;
  const onHead = (points: readonly Point3[]): Projected[] => points.map(project);
  const dark = scale(appearance.skin, 0.45);
  const crease = (points: readonly Point3[], width: number, alpha: number, colour = dark) =>
    canvas.stroke(onHead(points), (t) => samplesPerUnit * width * (0.3 + 2.8 * t * (1 - t)), {
      colour,
      alpha,
      depthTolerance: TOLERANCE,
    });

  SIDES.forEach((side, index) => {
    const upper = samples(24, (s) => curves.lid(side, "upper", s));
    const lower = samples(24, (s) => curves.lid(side, "lower", s));
    const mark = index + 1;
    canvas.fill([onHead([...upper, ...lower.toReversed()])], {
      colour: [0.88, 0.86, 0.84],
      mark,
      depthTolerance: TOLERANCE,
      shade: 1.05,
    });
    const centre = curves.pupil(side);
    const disc = (radius: number, dx = 0, dy = 0) =>
      onHead(
        samples(20, (s) => {
          const angle = 2 * Math.PI * s;
          return [centre[0] + dx + radius * Math.cos(angle), centre[1] + dy + radius * Math.sin(angle), centre[2]];
        }),
      );
    canvas.fill([disc(0.06)], { colour: scale(appearance.iris, 0.55), within: mark });
    canvas.fill([disc(0.049)], { colour: appearance.iris, within: mark });
    canvas.fill([disc(0.023)], { colour: [0.02, 0.02, 0.02], within: mark });
    canvas.fill([disc(0.011, 0.019, 0.019)], { colour: [1, 1, 1], within: mark, shine: 0.4 });
    // The upper lid throws a shadow on the eye.
    canvas.stroke(onHead(upper.map(([x, y, z]): Point3 => [x, y - 0.012, z])), samplesPerUnit * 0.03, {
      colour: [0.2, 0.15, 0.14],
      alpha: 0.45,
      within: mark,
    });
    crease(upper, 0.028, 0.9, scale(dark, 0.35));
    crease(lower, 0.014, 0.5, scale(dark, 0.7));
    const lift = (1 - Math.min(1, Math.max(0, side < 0 ? expression.eyeClosure[0] : expression.eyeClosure[1]))) * 0.02;
    crease(
      samples(16, (s) => {
        const [x, y] = curves.lid(side, "upper", 0.05 + 0.9 * s);
        return surface.frontPoint(x, y + 0.025 + lift * (4 * s * (1 - s)));
      }),
      0.016,
      0.5,
    );

    const brow = [
      ...samples(16, (s) => curves.brow(side, "upper", s)),
      ...samples(16, (s) => curves.brow(side, "lower", s)).toReversed(),
    ];
    const strength = appearance.browStrength;
    canvas.fill([onHead(brow)], {
      colour: mix(scale(appearance.hair, 0.7), dark, 0.35),
      alpha: (x, y) => strength * (0.7 + 0.3 * hashNoise((x + 2 * y) >> 1, y >> 2, textureSeed)),
      depthTolerance: TOLERANCE,
    });

    const nostrilX = side * layout.noseHalfWidth * 0.48;
    canvas.fill(
      [
        onHead(
          samples(16, (s) => {
            const angle = 2 * Math.PI * s;
            return surface.frontPoint(
              nostrilX + layout.noseHalfWidth * 0.24 * Math.cos(angle),
              layout.noseBase + 0.022 + 0.02 * Math.sin(angle),
            );
          }),
        ),
      ],
      { colour: scale(dark, 0.35), alpha: 0.85, depthTolerance: TOLERANCE },
    );
    crease(
      samples(12, (s) => {
        const x = layout.noseHalfWidth * (0.86 + 0.2 * Math.sin(Math.PI * s * 0.8));
        return surface.frontPoint(side * x, layout.noseBase + 0.02 + 0.13 * s);
      }),
      0.026,
      0.4,
    );
    const smile = Math.max(0, side < 0 ? expression.smile[0] : expression.smile[1]);
    const corner = curves.mouth(side < 0 ? 0 : 6);
    crease(
      samples(14, (s) => {
        const x = layout.noseHalfWidth * 1.15 + (Math.abs(corner[0]) + 0.07 - layout.noseHalfWidth * 1.15) * s ** 0.8;
        return surface.frontPoint(side * x, layout.noseBase + 0.09 + (corner[1] - layout.noseBase - 0.05) * s);
      }),
      0.03,
      Math.min(0.6, 0.3 * appearance.wrinkles + 0.35 * smile),
    );
  });

  const inner = [...curves.mouthLine([12, 13, 14, 15, 16], 6), ...curves.mouthLine([16, 17, 18, 19, 12], 6)];
  const mark = 3;
  canvas.fill([onHead(inner)], { colour: [0.16, 0.05, 0.05], mark, depthTolerance: TOLERANCE, shade: 0.8 });
  if (layout.mouthGap > 0.015) {
    const top = curves.mouthLine([12, 13, 14, 15, 16], 6);
    const teeth = top.map(([x, y, z]): Point3 => [x * 0.98, y - 0.075, z]);
    canvas.fill([onHead([...top, ...teeth.toReversed()])], { colour: [0.93, 0.9, 0.84], within: mark, shade: 1.25 });
    if (layout.mouthGap > 0.09) {
      const tongue = samples(16, (s) => {
        const angle = 2 * Math.PI * s;
        const low = curves.mouth(18);
        return [0.17 * Math.cos(angle), low[1] + 0.07 * Math.sin(angle), low[2]] as Point3;
      });
      canvas.fill([onHead(tongue)], { colour: [0.62, 0.27, 0.27], within: mark });
    }
  }
  const upperLip = [...curves.mouthLine([0, 1, 2, 3, 4, 5, 6], 5), ...curves.mouthLine([16, 15, 14, 13, 12], 5)];
  const lowerLip = [...curves.mouthLine([6, 7, 8, 9, 10, 11, 0], 5), ...curves.mouthLine([12, 19, 18, 17, 16], 5)];
  canvas.fill([onHead(upperLip)], { colour: scale(appearance.lips, 0.86), alpha: 0.9, depthTolerance: TOLERANCE });
  canvas.fill([onHead(lowerLip)], { colour: appearance.lips, alpha: 0.9, depthTolerance: TOLERANCE, shine: 0.02 });
  crease(
    [...curves.mouthLine([0, 12], 2), ...curves.mouthLine([12, 13, 14, 15, 16], 5), ...curves.mouthLine([16, 6], 2)],
    0.02,
    0.75,
    scale(appearance.lips, 0.3),
  );
}
