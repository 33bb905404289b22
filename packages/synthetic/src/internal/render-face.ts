import type { LandmarkScheme, Random } from "@acr/core";
import { ibug68 } from "@acr/core";
import { applyCameraEffects } from "./camera-effects.js";
import { type Canvas, SUPERSAMPLING } from "./canvas.js";
import type { HeadLight } from "./draw-grid.js";
import { FaceCurves } from "./face-curves.js";
import type { FaceParameters } from "./face-parameters.js";
import { HeadSurface, type Point3 } from "./head-surface.js";
import { locateLandmarks } from "./locate-landmarks.js";
import { paintGlasses, paintOccluder } from "./paint-accessories.js";
import { paintBackground } from "./paint-background.js";
import { paintFeatures } from "./paint-features.js";
import { paintHair } from "./paint-hair.js";
import { paintHead } from "./paint-head.js";
import { Camera, type Projected, rotationMatrix } from "./projection.js";

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
  // The columns of a rotation's matrix are the camera's axes times its inverse.
  const [a, b, c] = rotationMatrix(pose);
  const toHead = ([x, y, z]: Point3): Point3 => [
    a[0] * x + b[0] * y + c[0] * z,
    a[1] * x + b[1] * y + c[1] * z,
    a[2] * x + b[2] * y + c[2] * z,
  ];
  return { direction: toHead(light.direction), up: toHead([0, 1, 0]), view: toHead([0, 0, 1]), shine: light.shine };
}

/**
 * Shape, camera and place of a face. The cut-out of the image plane is chosen by the box of the 68 points, so that the
 * picture does not depend on the scheme.
 */
export function placeFace({ identity, expression, pose }: FaceParameters, imageSize: number) {
  const surface = new HeadSurface(identity, expression);
  const curves = new FaceCurves(surface, identity, expression);
  const box = boundsOf(locateLandmarks(ibug68, curves, new Camera(pose).project));
  const zoom = (pose.boxSize * imageSize) / Math.max(box.right - box.left, box.bottom - box.top);
  const offsetX = pose.boxCentre[0] * imageSize - 0.5 - (zoom * (box.left + box.right)) / 2;
  const offsetY = pose.boxCentre[1] * imageSize - 0.5 - (zoom * (box.top + box.bottom)) / 2;
  return { surface, curves, zoom, offsetX, offsetY, toPixels: new Camera(pose, zoom, offsetX, offsetY).project };
}

const toSamples = (pixel: number) => (pixel + 0.5) * SUPERSAMPLING - 0.5;

/** Flat x, y of projected points. */
export function flatten(points: readonly Projected[]): Float32Array {
  const landmarks = new Float32Array(points.length * 2);
  points.forEach(([x, y], index) => {
    landmarks[2 * index] = x;
    landmarks[2 * index + 1] = y;
  });
  return landmarks;
}

/**
 * Paints a face, locates its landmarks and tells which of them can be seen.
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
  const { expression, pose, appearance, light } = parameters;
  const imageSize = canvas.size / SUPERSAMPLING;
  const { surface, curves, zoom, offsetX, offsetY, toPixels } = placeFace(parameters, imageSize);
  const camera = new Camera(pose, zoom * SUPERSAMPLING, toSamples(offsetX), toSamples(offsetY));
  const { project } = camera;
  const unit = zoom * SUPERSAMPLING;
  const textureSeed = random.fork("texture").integer(1 << 30);

  canvas.clear();
  const lightOnHead = headLight(parameters);
  paintHead(canvas, surface, appearance, camera, lightOnHead, textureSeed);
  paintFeatures(canvas, curves, appearance, expression, project, unit, textureSeed);
  paintGlasses(canvas, curves, appearance, project, unit);
  paintHair(canvas, surface, appearance, camera, lightOnHead, textureSeed);
  paintOccluder(canvas, curves, appearance, project, unit, random.fork("occluder"));

  const { image, depth, size } = canvas;
  paintBackground(image, random.fork("background"), imageSize, plain);
  canvas.resolve(light.key, light.ambient);

  const points = locateLandmarks(scheme, curves, toPixels);
  const visible = new Uint8Array(points.length);
  points.forEach(([x, y, z], index) => {
    const [sx, sy] = [Math.round(toSamples(x)), Math.round(toSamples(y))];
    if (sx < 0 || sy < 0 || sx >= size || sy >= size) return;
    // The farthest of the samples about it: on an outline the head itself is a step in depth.
    let farthest = Number.POSITIVE_INFINITY;
    for (let row = Math.max(0, sy - 1); row <= Math.min(size - 1, sy + 1); row++) {
      for (let column = Math.max(0, sx - 1); column <= Math.min(size - 1, sx + 1); column++) {
        farthest = Math.min(farthest, depth[row * size + column]!);
      }
    }
    visible[index] = canvas.covered[sy * size + sx] === 0 && farthest <= z + HIDDEN_BY ? 1 : 0;
  });
  const data = applyCameraEffects(image, imageSize, parameters.effects, random.fork("sensor"));
  return { data, landmarks: flatten(points), visible };
}
