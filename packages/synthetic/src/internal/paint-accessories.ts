import type { Random } from "@acr/core";
import type { Canvas } from "./canvas.js";
import type { FaceCurves } from "./face-curves.js";
import { type Appearance, type Colour, mix, randomColour, scale } from "./face-parameters.js";
import { hashNoise } from "./hash-noise.js";
import type { Point3 } from "./head-surface.js";
import type { Project, Projected } from "./projection.js";

/** How far the fingertips reach beyond the point that a hand is drawn at, in head units. */
const REACH = 0.5;

/** Spectacles: frames stand before the eyes and hide what is beneath; only dark glass hides the eyes. */
export function paintGlasses(
  canvas: Canvas,
  curves: FaceCurves,
  appearance: Appearance,
  project: Project,
  samplesPerUnit: number,
): void {
  if (appearance.glasses === "none") return;
  const { layout } = curves.surface;
  const colour = appearance.glassesColour;
  const half = appearance.glasses === "thin" ? 0.012 : appearance.glasses === "thick" ? 0.03 : 0.018;
  const depth = curves.surface.frontPoint(0, layout.noseTop)[2] + 0.05;
  const light = () => 0.8;
  for (const side of [-1, 1]) {
    const ring = (extra: number): Projected[] =>
      Array.from({ length: 32 }, (_, k) => {
        const angle = (2 * Math.PI * k) / 32;
        const round = (value: number) => Math.sign(value) * Math.abs(value) ** (2 / appearance.glassesRoundness);
        const x = side * layout.eyeX + (0.235 + extra) * round(Math.cos(angle));
        return project([x, -0.035 + (0.17 + extra) * round(Math.sin(angle)), depth - 0.25 * x * x]);
      });
    if (appearance.glasses === "sun")
      canvas.fill([ring(0)], {
        colour: scale(colour, 0.25),
        alpha: 0.94,
        covers: true,
        light: (x, y) => 0.9 + 0.1 * hashNoise(x >> 3, y >> 3, 1),
      });
    else canvas.fill([ring(0)], { colour: [0.8, 0.85, 0.9], alpha: 0.07, shine: 0.03 });
    canvas.fill([ring(half), ring(-half)], { colour, covers: true, light });
    const hinge: Point3 = [side * (layout.eyeX + 0.235), 0.03, depth - 0.25 * (layout.eyeX + 0.235) ** 2];
    const ear: Point3 = [side * (curves.surface.jawRow(0).width + 0.03), 0.03, curves.surface.jawRow(0).side];
    canvas.stroke([project(hinge), project(ear)], samplesPerUnit * half * 2, { colour, depthTolerance: 0.12 });
  }
  const inner = layout.eyeX - 0.235;
  canvas.stroke(
    [project([-inner, 0.01, depth]), project([0, 0.035, depth + 0.02]), project([inner, 0.01, depth])],
    samplesPerUnit * half * 2,
    { colour, covers: true, light },
  );
}

/** Something between camera and face. */
export function paintOccluder(
  canvas: Canvas,
  curves: FaceCurves,
  appearance: Appearance,
  project: Project,
  samplesPerUnit: number,
  random: Random,
): void {
  const unit = samplesPerUnit;
  const seed = random.integer(1 << 30);
  const tilt = random.uniform(-0.3, 0.3) / unit;
  const lit = (x: number, y: number) => 0.85 + tilt * (x - y) * 0.4 + 0.08 * hashNoise(x >> 1, y >> 1, seed);
  const cover = (ring: readonly Projected[], colour: Colour) =>
    canvas.fill([ring], { colour, covers: true, light: lit });
  const { surface } = curves;
  const anchor = project(surface.frontPoint(random.uniform(-0.45, 0.45), random.uniform(-1.05, 0.25)));
  switch (appearance.occluder) {
    case "none":
      return;
    case "hand": {
      // Four fingers side by side reach over the face from a palm further out; a thumb may follow.
      const start = random.uniform(-0.25 * Math.PI, 1.25 * Math.PI);
      const [ux, uy] = [Math.cos(start), Math.sin(start)];
      const tone = mix(appearance.skin, [0.8, 0.5, 0.4], random.uniform(0.05, 0.2));
      const spread = random.uniform(0.02, 0.3);
      const bend = random.uniform(-0.25, 0.25);
      const size = unit * random.uniform(0.85, 1.1);
      const place = (along: number, across: number): Projected => [
        anchor[0] + (ux * (along - REACH) - uy * across) * size,
        anchor[1] + (uy * (along - REACH) + ux * across) * size,
        9,
      ];
      const limb = (points: readonly Projected[], width: number) => {
        const round = (t: number) => Math.sqrt(Math.min(1, Math.max(0.02, t * 7)));
        // Dark edge, flank and lit middle stand for the roundness.
        for (const [share, shade] of [
          [1.08, 0.55],
          [0.96, 0.78],
          [0.72, 0.92],
          [0.4, 1],
        ] as const) {
          canvas.stroke(points, (t) => width * size * share * round(t), {
            colour: scale(tone, shade),
            covers: true,
            light: lit,
          });
        }
      };
      limb(
        Array.from({ length: 8 }, (_, k) => place(0.95 + k * 0.2, 0.04)),
        0.78,
      );
      for (let finger = 0; finger < 4; finger++) {
        const reach = [0.12, 0, 0.03, 0.2][finger]!;
        const across = (finger - 1.5) * 0.185;
        limb(
          Array.from({ length: 9 }, (_, k) => {
            const along = reach + (k / 8) * (1.15 - reach);
            const out = 1 - along / 1.15;
            return place(along, across * (1 + spread * out * 2) + bend * out * out);
          }),
          0.175,
        );
      }
      if (random.chance(0.5)) {
        const side = random.chance() ? 1 : -1;
        limb(
          Array.from({ length: 7 }, (_, k) => place(0.45 + (k / 6) * 0.75, side * (0.75 - (k / 6) * 0.45))),
          0.2,
        );
      }
      return;
    }
    case "block": {
      const angle = random.uniform(0, Math.PI);
      const [w, h] = [random.uniform(0.3, 0.7) * unit, random.uniform(0.2, 0.55) * unit];
      const corners = [
        [-w, -h],
        [w, -h],
        [w, h],
        [-w, h],
      ];
      cover(
        corners.map(
          ([x, y]): Projected => [
            anchor[0] + x! * Math.cos(angle) - y! * Math.sin(angle),
            anchor[1] + x! * Math.sin(angle) + y! * Math.cos(angle),
            9,
          ],
        ),
        randomColour(random),
      );
      return;
    }
    case "lock":
      for (let strand = 0; strand < 9; strand++) {
        const x = random.uniform(-0.75, 0.75);
        const bend = random.uniform(-0.3, 0.3);
        const end = random.uniform(-1.1, -0.1);
        const line = Array.from({ length: 12 }, (_, k) => {
          const t = k / 11;
          const [px, py, pz] = surface.frontPoint(
            Math.max(-0.72, Math.min(0.72, x + bend * t * t)),
            0.75 + (end - 0.75) * t,
          );
          return project([px, py, pz + 0.05]);
        });
        canvas.stroke(line, (t) => unit * 0.07 * (1 - t) + 1, {
          colour: scale(appearance.hair, random.uniform(0.75, 1.15)),
          covers: true,
          light: lit,
        });
      }
      return;
    case "mask": {
      const top = random.uniform(-0.45, -0.2);
      const ring = [
        ...Array.from(
          { length: 13 },
          (_, k): Point3 =>
            surface.frontPoint((k / 12 - 0.5) * 1.36, top + 0.1 * Math.cos((k / 12 - 0.5) * Math.PI * 1.3)),
        ),
        ...Array.from({ length: 9 }, (_, k) =>
          surface.rowPoint(surface.jawRow(Math.round(6 + (k / 8) * 10) / 2), 1.35),
        ),
        ...Array.from({ length: 9 }, (_, k) =>
          surface.rowPoint(surface.jawRow(Math.round(16 - (k / 8) * 10) / 2), -1.35),
        ),
      ];
      cover(
        // Down to below the chin.
        ring.map(([x, y, z]) => project([x * 1.02, y - (y < -0.8 ? 0.05 : 0), z + 0.02])),
        random.chance(0.6) ? [0.75, 0.82, 0.88] : randomColour(random),
      );
      return;
    }
    case "scarf": {
      const top = random.uniform(1.5, 6);
      const colour = randomColour(random);
      const stripe = random.chance(0.5) ? randomColour(random) : scale(colour, 0.7);
      const sideLine = (side: number, z: number) =>
        Array.from({ length: 7 }, (_, k) => {
          const [x, y] = surface.rowPoint(surface.jawRow(Math.round(top * 2) / 2), side * (Math.PI / 2));
          return project([x * (1.06 + 0.06 * k), y - 0.34 * k, z]);
        });
      const upper = Array.from({ length: 15 }, (_, k) => {
        const [x, y, z] = surface.rowPoint(surface.jawRow(Math.round(top * 2) / 2), -(k / 14 - 0.5) * Math.PI);
        return project([x * 1.06, y - 0.1 * Math.cos((k / 14 - 0.5) * Math.PI), z + 0.06]);
      });
      const ring = [...upper, ...sideLine(-1, -0.3), ...sideLine(1, -0.3).toReversed()];
      cover(ring, colour);
      for (let fold = 1; fold < 6; fold++) {
        canvas.stroke(
          upper.map(([x, y, z]): Projected => [x, y + fold * 0.17 * unit + hashNoise(fold, 1, seed) * 0.06 * unit, z]),
          unit * (0.02 + 0.05 * hashNoise(fold, 2, seed)),
          { colour: stripe, covers: true, light: lit, alpha: 0.7 },
        );
      }
      return;
    }
    case "object": {
      const [rx, ry] = [random.uniform(0.2, 0.55) * unit, random.uniform(0.2, 0.55) * unit];
      cover(
        Array.from({ length: 28 }, (_, k): Projected => {
          const angle = (2 * Math.PI * k) / 28;
          return [anchor[0] + rx * Math.cos(angle), anchor[1] + ry * Math.sin(angle), 9];
        }),
        randomColour(random),
      );
    }
  }
}
