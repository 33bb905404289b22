import type { LandmarkScheme, Random } from "@acr/core";
import { ibug68 } from "@acr/core";
import { applyCameraEffects } from "./camera-effects.js";
import { ATTRIBUTES, type Canvas, SUPERSAMPLING } from "./canvas.js";
import { FaceCurves } from "./face-curves.js";
import type { FaceParameters } from "./face-parameters.js";
import type { HeadLight } from "./grid-mesh.js";
import { HeadSurface, type Point3 } from "./head-surface.js";
import { locateLandmarks } from "./locate-landmarks.js";
import { paintGlasses, paintOccluder } from "./paint-accessories.js";
import { paintBackground } from "./paint-background.js";
import { paintFeatures } from "./paint-features.js";
import { paintHair } from "./paint-hair.js";
import { paintHead } from "./paint-head.js";
import { createProjection, createRotation, type Project, type Projected } from "./projection.js";

export interface RenderedFace {
  readonly data: Uint8Array;
  readonly landmarks: Float32Array;
  readonly visible: Uint8Array;
}

/** A landmark is hidden by what lies this much nearer, in head units: more than the relief between mesh and curve. */
const HIDDEN_BY = 0.09;

function boundsOf(points: readonly Projected[]) {
  const xs = points.map((point) => point[0]);
  const ys = points.map((point) => point[1]);
  return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
}

/** Light, camera axis and the sky's direction in the head's own frame, where normals are. */
function headLight({ pose, light }: FaceParameters): HeadLight {
  const rotate = createRotation(pose);
  const axes = [rotate([1, 0, 0]), rotate([0, 1, 0]), rotate([0, 0, 1])];
  const toHead = (vector: Point3): Point3 =>
    axes.map((axis) => axis[0] * vector[0] + axis[1] * vector[1] + axis[2] * vector[2]) as unknown as Point3;
  return { direction: toHead(light.direction), up: toHead([0, 1, 0]), view: toHead([0, 0, 1]), shine: light.shine };
}

/**
 * Paints a face and locates its landmarks. The cut-out of the image plane is chosen by the box of the 68 points, so
 * that the picture does not depend on the scheme.
 *
 * @param random - textures only; geometry is all in `parameters`.
 */
export function renderFace(
  parameters: FaceParameters,
  scheme: LandmarkScheme,
  canvas: Canvas,
  random: Random,
  plain: boolean,
): RenderedFace {
  const { identity, expression, pose, appearance, light } = parameters;
  const imageSize = canvas.size / SUPERSAMPLING;
  const surface = new HeadSurface(identity, expression);
  const curves = new FaceCurves(surface, identity, expression);
  const onPlane = createProjection(pose);
  const box = boundsOf(locateLandmarks(ibug68, curves, onPlane));
  const zoom = (pose.boxSize * imageSize) / Math.max(box.right - box.left, box.bottom - box.top);
  const offsetX = pose.boxCentre[0] * imageSize - 0.5 - (zoom * (box.left + box.right)) / 2;
  const offsetY = pose.boxCentre[1] * imageSize - 0.5 - (zoom * (box.top + box.bottom)) / 2;
  const toPixels: Project = (point) => {
    const [x, y, z] = onPlane(point);
    return [x * zoom + offsetX, y * zoom + offsetY, z];
  };
  const project: Project = (point) => {
    const [x, y, z] = toPixels(point);
    return [(x + 0.5) * SUPERSAMPLING - 0.5, (y + 0.5) * SUPERSAMPLING - 0.5, z];
  };
  const unit = zoom * SUPERSAMPLING;
  const textureSeed = random.fork("texture").integer(1 << 30);

  canvas.clear();
  const lightOnHead = headLight(parameters);
  paintHead(canvas, surface, appearance, project, lightOnHead, textureSeed);
  paintFeatures(canvas, curves, appearance, expression, project, unit, textureSeed);
  paintGlasses(canvas, curves, appearance, project, unit);
  paintHair(canvas, surface, appearance, project, lightOnHead, textureSeed);
  paintOccluder(canvas, curves, appearance, project, unit, random.fork("occluder"));

  const image = paintBackground(random.fork("background"), imageSize, plain);
  const { depth, data, size, covered } = canvas;
  const weight = 1 / (SUPERSAMPLING * SUPERSAMPLING);
  for (let y = 0; y < imageSize; y++) {
    for (let x = 0; x < imageSize; x++) {
      const out = (y * imageSize + x) * 3;
      let [r, g, b, empty] = [0, 0, 0, 0];
      for (let sy = 0; sy < SUPERSAMPLING; sy++) {
        for (let sx = 0; sx < SUPERSAMPLING; sx++) {
          const at = (y * SUPERSAMPLING + sy) * size + x * SUPERSAMPLING + sx;
          if (depth[at] === Number.NEGATIVE_INFINITY) {
            empty += weight;
            continue;
          }
          const k = at * ATTRIBUTES;
          const key = data[k + 3]!;
          const ambient = data[k + 4]!;
          const shine = data[k + 5]!;
          r += (data[k]! * (key * light.key[0] + ambient * light.ambient[0]) + shine) * weight;
          g += (data[k + 1]! * (key * light.key[1] + ambient * light.ambient[1]) + shine) * weight;
          b += (data[k + 2]! * (key * light.key[2] + ambient * light.ambient[2]) + shine) * weight;
        }
      }
      image[out] = image[out]! * empty + r;
      image[out + 1] = image[out + 1]! * empty + g;
      image[out + 2] = image[out + 2]! * empty + b;
    }
  }

  const points = locateLandmarks(scheme, curves, toPixels);
  const landmarks = new Float32Array(points.length * 2);
  const visible = new Uint8Array(points.length);
  points.forEach(([x, y, z], index) => {
    landmarks[2 * index] = x;
    landmarks[2 * index + 1] = y;
    const [sx, sy] = [Math.round((x + 0.5) * SUPERSAMPLING - 0.5), Math.round((y + 0.5) * SUPERSAMPLING - 0.5)];
    if (sx < 0 || sy < 0 || sx >= size || sy >= size) return;
    const at = sy * size + sx;
    visible[index] = covered[at] === 0 && depth[at]! <= z + HIDDEN_BY ? 1 : 0;
  });
  return { data: applyCameraEffects(image, imageSize, parameters.effects, random.fork("sensor")), landmarks, visible };
}
