import { AcrError, createRandom } from "@acr/core";
import fc from "fast-check";
import { alignShapes } from "./align-shapes.js";
import { applySimilarity } from "./apply-similarity.js";
import { fillMissing } from "./fill-missing.js";
import { plausibleShape } from "./plausible-shape.js";
import { PointModel } from "./point-model.js";
import { similarityBetween } from "./similarity-between.js";

/** Few runs: each fits a model. The seed is fixed, so that a failure can be repeated. */
const runs = { numRuns: 40, seed: 6 };

/** Random shapes of K landmarks around a base face with a few strong modes, anywhere and of any size. */
const shapeSets = fc
  .record({
    landmarkCount: fc.integer({ min: 3, max: 8 }),
    count: fc.integer({ min: 3, max: 90 }),
    size: fc.constantFrom(1e-3, 1, 1e3),
    offset: fc.constantFrom(0, -7, 500),
    seed: fc.integer(),
  })
  .map(({ landmarkCount, count, size, offset, seed }) => {
    const random = createRandom(seed);
    const length = 2 * landmarkCount;
    const vector = () => Array.from({ length }, () => random.normal());
    const [base, first, second] = [vector(), vector(), vector()];
    return Array.from({ length: count }, () => {
      const [a, b] = [random.normal(0, 0.3), random.normal(0, 0.1)];
      return base.map((value, q) => size * (value + a * first[q]! + b * second[q]! + random.normal(0, 0.02) + offset));
    });
  });
const similarities = fc
  .record({ scale: fc.double({ min: 0.05, max: 20, noNaN: true }), angle: fc.double({ min: -3, max: 3, noNaN: true }) })
  .map(({ scale, angle }) => ({ scale, rotationRadians: angle, translation: [3 * scale, -angle] as const }));

const sizeOf = (shapes: readonly ArrayLike<number>[]) =>
  Math.max(...shapes.flatMap((shape) => Array.from(shape, Math.abs)));
const farthest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, q) => Math.abs(value - b[q]!)));
const squared = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, q) => sum + (value - b[q]!) ** 2, 0);

const areaOfFirstTriangle = ([ax, ay, bx, by, cx, cy]: ArrayLike<number> & Iterable<number>) =>
  (bx! - ax!) * (cy! - ay!) - (by! - ay!) * (cx! - ax!);

describe("PointModel, for any shapes", () => {
  it("has orthonormal modes, falling variances that add up, and comes back from both forms exactly", () => {
    fc.assert(
      fc.property(shapeSets, (shapes) => {
        const model = PointModel.fit(shapes);
        expect(model.modes).toHaveLength(Math.min(shapes.length - 1, shapes[0]!.length));
        const sum = model.eigenvalues.reduce((total, value) => total + value, 0);
        expect(Math.abs(sum / model.totalVariance - 1)).toBeLessThan(1e-9);
        // Reading checks order and right angles.
        expect(PointModel.fromJSON(JSON.parse(JSON.stringify(model))).toJSON()).toEqual(model.toJSON());
        expect(PointModel.fromBinary(model.toBinary()).toJSON()).toEqual(model.toJSON());
      }),
      runs,
    );
  });

  it("reconstructs each face it was fitted on exactly from all modes, unclipped", () => {
    fc.assert(
      fc.property(shapeSets, (shapes) => {
        const model = PointModel.fit(shapes);
        for (const shape of shapes.slice(0, 3))
          expect(farthest(model.reconstruct(model.project(shape)), shape)).toBeLessThan(1e-12 * sizeOf(shapes));
      }),
      runs,
    );
  });

  it("gives Φ in [0, 1] with a 1 in every face that is not its own smooth face, by either unit", () => {
    fc.assert(
      fc.property(shapeSets, fc.constantFrom("coordinate" as const, "landmark" as const), (shapes, unit) => {
        const model = PointModel.fit(shapes);
        for (const shape of shapes.slice(0, 3)) {
          for (let modes = 0; modes <= Math.min(3, model.modes.length); modes++) {
            const phi = model.difficulty(shape, { modes, unit });
            expect(phi.every((value) => value >= 0 && value <= 1)).toBe(true);
            const isSmooth = farthest(model.smooth(shape, { modes }), shape) <= 1e-12 * sizeOf([shape]);
            expect(Math.max(...phi)).toBe(isSmooth ? 0 : 1);
          }
        }
      }),
      runs,
    );
  });

  it("never leaves its limits, and is nearest to the face under them", () => {
    fc.assert(
      fc.property(shapeSets, fc.double({ min: 0.2, max: 4, noNaN: true }), (shapes, clip) => {
        const model = PointModel.fit(shapes);
        const face = shapes[0]!;
        const modes = Math.min(3, model.modes.length);
        const box = model.project(face, { modes, clip });
        expect(box.every((b, i) => Math.abs(b) <= clip * Math.sqrt(model.eigenvalues[i]!) * (1 + 1e-12))).toBe(true);
        const inside = plausibleShape(model, face, { modes, clip, region: "ellipsoid" });
        const radial = model.smooth(face, { modes, clip, region: "ellipsoid" });
        expect(Math.sqrt(model.mahalanobisSquared(inside, { modes }))).toBeLessThan(clip * (1 + 1e-6));
        expect(squared(inside, face)).toBeLessThanOrEqual(squared(radial, face) * (1 + 1e-9));
      }),
      runs,
    );
  });

  it("does not depend on how the shapes are split before they are merged", () => {
    fc.assert(
      fc.property(shapeSets, fc.double({ min: 0, max: 1, noNaN: true }), (shapes, share) => {
        fc.pre(shapes.length >= 4);
        const at = 2 + Math.floor(share * (shapes.length - 4));
        const merged = PointModel.merge(PointModel.fit(shapes.slice(0, at)), PointModel.fit(shapes.slice(at)));
        const whole = PointModel.fit(shapes);
        expect(farthest(merged.mean, whole.mean)).toBeLessThan(1e-12 * sizeOf(shapes));
        expect(farthest(merged.eigenvalues, whole.eigenvalues)).toBeLessThan(1e-9 * whole.eigenvalues[0]!);
      }),
      runs,
    );
  });
});

describe("PointModel.fromBinary, for any damage", () => {
  const bytes = PointModel.fit([
    [0, 0, 1, 0.5],
    [0, 1, 1, 0],
    [1, 0, 0.3, 1],
  ]).toBinary();
  const damages = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });

  it("gives a model that is one, or one clear error; never another failure", () => {
    fc.assert(
      fc.property(damages, fc.nat(bytes.length), (changes, cut) => {
        const damaged = bytes.slice(0, cut % 3 === 0 ? cut : bytes.length);
        for (const [at, value] of changes) if (at < damaged.length) damaged[at] = value;
        let model: PointModel;
        try {
          model = PointModel.fromBinary(damaged);
        } catch (error) {
          expect(AcrError.isInstance(error)).toBe(true);
          expect((error as Error).message).toMatch(/^PointModel\.fromBinary: /);
          return;
        }
        expect(model.smooth([0, 0, 1, 1]).every(Number.isFinite)).toBe(true);
      }),
      { numRuns: 2000, seed: 6 },
    );
  });
});

describe("Procrustes, for any shapes", () => {
  it("removes a random similarity from every shape", () => {
    fc.assert(
      fc.property(shapeSets, fc.array(similarities, { minLength: 1, maxLength: 6 }), (shapes, poses) => {
        const moved = poses.map((pose) => applySimilarity(pose, shapes[0]!));
        const { shapes: aligned, mean } = alignShapes([shapes[0]!, ...moved]);
        for (const shape of aligned) expect(farthest(shape, mean)).toBeLessThan(1e-6 * sizeOf([mean]));
      }),
      runs,
    );
  });

  it("brings a moved shape back, and never takes a mirrored one for it", () => {
    fc.assert(
      fc.property(shapeSets, similarities, ([face], pose) => {
        const moved = applySimilarity(pose, face!);
        const back = applySimilarity(similarityBetween(moved, face!), moved);
        expect(farthest(back, face!)).toBeLessThan(1e-9 * sizeOf([face!]));
        const mirrored = face!.map((value, q) => (q % 2 === 0 ? -value : value));
        const turned = applySimilarity(similarityBetween(mirrored, face!), mirrored);
        expect(Math.sign(areaOfFirstTriangle(turned))).toBe(-Math.sign(areaOfFirstTriangle(face!)));
      }),
      runs,
    );
  });
});

describe("fillMissing, for any shapes", () => {
  it("beats filling with the mean on faces it has not seen", () => {
    fc.assert(
      fc.property(shapeSets, fc.integer({ min: 0, max: 7 }), (shapes, hidden) => {
        fc.pre(shapes.length >= 60);
        const model = PointModel.fit(shapes.slice(20));
        const landmarks = Array.from({ length: model.landmarkCount }, (_, k) => k);
        const visible = landmarks.map((k) => k !== hidden % model.landmarkCount);
        let [filled, mean] = [0, 0];
        for (const face of shapes.slice(0, 20)) {
          filled += squared(fillMissing(model, face, visible).shape, face);
          mean += squared(
            face.map((value, q) => (visible[q >> 1] ? value : model.mean[q]!)),
            face,
          );
        }
        expect(filled).toBeLessThan(mean);
      }),
      runs,
    );
  });

  it("gives covariances that are symmetric and positive on the diagonal, and smaller than without seeing anything", () => {
    fc.assert(
      fc.property(shapeSets, (shapes) => {
        const model = PointModel.fit(shapes);
        const visible = Array.from({ length: model.landmarkCount }, (_, k) => k > 0);
        const seen = fillMissing(model, shapes[0]!, visible).covariance;
        const blind = fillMissing(model, shapes[0]!, visible.fill(false)).covariance;
        seen.forEach((row, p) => {
          expect(row[p]).toBeGreaterThan(0);
          expect(row[p]).toBeLessThanOrEqual(blind[p]![p]! * (1 + 1e-9));
          row.forEach((value, q) => expect(Math.abs(value - seen[q]![p]!)).toBeLessThanOrEqual(1e-9 * blind[p]![p]!));
        });
      }),
      runs,
    );
  });
});
