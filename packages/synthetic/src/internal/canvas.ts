import type { Colour } from "./face-parameters.js";
import type { Projected } from "./projection.js";

/** Samples per pixel and axis; `resolve` counts on 2. */
export const SUPERSAMPLING = 2;

/** Values per mesh vertex beside its place: albedo (3), key light, ambient light, shine. */
export const ATTRIBUTES = 6;

/** Vertices of the mesh that is being drawn. */
export interface MeshBuffers {
  /** x, y, z in the head frame. */
  readonly points: Float64Array;
  /** x, y, depth, in samples. */
  readonly places: Float32Array;
  readonly attributes: Float32Array;
}

export interface FillOptions {
  readonly colour: Colour;
  /** Coverage, default 1; a function varies it by sample. */
  readonly alpha?: number | ((x: number, y: number) => number);
  /** Draws only where the stencil holds this mark. */
  readonly within?: number;
  /** Leaves this mark in the stencil. */
  readonly mark?: number;
  /** Samples nearer than the polygon by more than this hide it; absent draws over everything. */
  readonly depthTolerance?: number;
  /** Multiplies the light beneath. */
  readonly shade?: number;
  /** Added highlight. */
  readonly shine?: number;
  /** Replaces the light beneath, for things in front of the face. */
  readonly light?: (x: number, y: number) => number;
  /** The polygon lies before the face: what is beneath is hidden. */
  readonly covers?: boolean;
}

/** Sample buffers of one picture: depth, albedo and light are kept apart until `resolve`. */
export class Canvas {
  /** Samples per side. */
  readonly size: number;
  readonly depth: Float32Array;
  readonly data: Float32Array;
  readonly stencil: Uint8Array;
  /** 1 where something before the face hides it. */
  readonly covered: Uint8Array;
  /** The picture before the camera's faults, red, green, blue in [0, 1]. */
  readonly image: Float32Array;
  private readonly crossings = new Float64Array(256);
  private mesh = createMeshBuffers(4096);

  constructor(imageSize: number) {
    this.size = imageSize * SUPERSAMPLING;
    this.depth = new Float32Array(this.size * this.size);
    this.data = new Float32Array(this.size * this.size * ATTRIBUTES);
    this.stencil = new Uint8Array(this.size * this.size);
    this.covered = new Uint8Array(this.size * this.size);
    this.image = new Float32Array(imageSize * imageSize * 3);
  }

  clear(): void {
    this.depth.fill(Number.NEGATIVE_INFINITY);
    // Soft edges blend with what a sample holds, which must not be the face that was drawn before.
    this.data.fill(0);
    this.stencil.fill(0);
    this.covered.fill(0);
  }

  /** Room for a mesh, the same memory each time: the last mesh is drawn before the next is made. */
  meshBuffers(vertexCount: number): MeshBuffers {
    if (this.mesh.places.length < vertexCount * 3) this.mesh = createMeshBuffers(vertexCount);
    return this.mesh;
  }

  /**
   * Draws a triangle of the mesh, vertices clockwise as seen.
   *
   * @param inside - ambient light on the inner side, which is not drawn at 0.
   */
  drawTriangle(i: number, second: number, third: number, inside: number): void {
    const { size, depth, data } = this;
    const { places, attributes } = this.mesh;
    let j = second;
    let k = third;
    const x0 = places[3 * i]!;
    const y0 = places[3 * i + 1]!;
    let x1 = places[3 * j]!;
    let y1 = places[3 * j + 1]!;
    let x2 = places[3 * k]!;
    let y2 = places[3 * k + 1]!;
    let area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0);
    const inner = area < 0;
    if (inner) {
      if (inside === 0) return;
      j = third;
      k = second;
      const [x, y] = [x1, y1];
      x1 = x2;
      y1 = y2;
      x2 = x;
      y2 = y;
      area = -area;
    }
    if (area <= 1e-9) return;
    const top = Math.max(0, Math.ceil(Math.min(y0, y1, y2)));
    const bottom = Math.min(size - 1, Math.floor(Math.max(y0, y1, y2)));
    const left = Math.max(0, Math.ceil(Math.min(x0, x1, x2)));
    const right = Math.min(size - 1, Math.floor(Math.max(x0, x1, x2)));
    if (top > bottom || left > right) return;
    // Weights of the three vertices are linear in x and y.
    const inverse = 1 / area;
    const d0x = (y1 - y2) * inverse;
    const d0y = (x2 - x1) * inverse;
    const d1x = (y2 - y0) * inverse;
    const d1y = (x0 - x2) * inverse;
    const z0 = places[3 * i + 2]!;
    const z1 = places[3 * j + 2]!;
    const z2 = places[3 * k + 2]!;
    const oi = i * ATTRIBUTES;
    const oj = j * ATTRIBUTES;
    const ok = k * ATTRIBUTES;
    for (let y = top; y <= bottom; y++) {
      const row = y * size;
      const r0 = (y - y1) * d0y - x1 * d0x;
      const r1 = (y - y2) * d1y - x2 * d1x;
      let entered = false;
      for (let x = left; x <= right; x++) {
        const w0 = r0 + x * d0x;
        const w1 = r1 + x * d1x;
        const w2 = 1 - w0 - w1;
        if (w0 < 0 || w1 < 0 || w2 < 0) {
          if (entered) break;
          continue;
        }
        entered = true;
        const z = w0 * z0 + w1 * z1 + w2 * z2;
        const at = row + x;
        if (z <= depth[at]!) continue;
        depth[at] = z;
        const out = at * ATTRIBUTES;
        data[out] = w0 * attributes[oi]! + w1 * attributes[oj]! + w2 * attributes[ok]!;
        data[out + 1] = w0 * attributes[oi + 1]! + w1 * attributes[oj + 1]! + w2 * attributes[ok + 1]!;
        data[out + 2] = w0 * attributes[oi + 2]! + w1 * attributes[oj + 2]! + w2 * attributes[ok + 2]!;
        const ambient = w0 * attributes[oi + 4]! + w1 * attributes[oj + 4]! + w2 * attributes[ok + 4]!;
        if (inner) {
          data[out + 3] = 0;
          data[out + 4] = ambient * inside;
          data[out + 5] = 0;
        } else {
          data[out + 3] = w0 * attributes[oi + 3]! + w1 * attributes[oj + 3]! + w2 * attributes[ok + 3]!;
          data[out + 4] = ambient;
          data[out + 5] = w0 * attributes[oi + 5]! + w1 * attributes[oj + 5]! + w2 * attributes[ok + 5]!;
        }
      }
    }
  }

  /** Fills polygons by the even-odd rule, sample centres on integers. Several rings make holes. */
  fill(rings: readonly (readonly Projected[])[], options: FillOptions): void {
    const { size, crossings } = this;
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (const ring of rings) {
      for (const point of ring) {
        if (point[1] < low) low = point[1];
        if (point[1] > high) high = point[1];
      }
    }
    const plane = options.depthTolerance === undefined ? undefined : fitPlane(rings[0]!);
    const bottom = Math.min(size - 1, Math.floor(high));
    for (let y = Math.max(0, Math.ceil(low)); y <= bottom; y++) {
      let count = 0;
      for (const ring of rings) {
        let previous = ring[ring.length - 1]!;
        for (const point of ring) {
          if (previous[1] <= y !== point[1] <= y && count < 256) {
            crossings[count++] =
              previous[0] + ((y - previous[1]) / (point[1] - previous[1])) * (point[0] - previous[0]);
          }
          previous = point;
        }
      }
      const sorted = crossings.subarray(0, count).sort();
      for (let c = 0; c + 1 < count; c += 2) {
        const last = Math.min(size - 1, Math.floor(sorted[c + 1]!));
        for (let x = Math.max(0, Math.ceil(sorted[c]!)); x <= last; x++) this.blend(x, y, options, plane);
      }
    }
  }

  /** A line of the given width in samples, as a filled ribbon. */
  stroke(line: readonly Projected[], width: number | ((t: number) => number), options: FillOptions): void {
    const left: Projected[] = [];
    const right: Projected[] = [];
    for (let k = 0; k < line.length; k++) {
      const before = line[Math.max(0, k - 1)]!;
      const after = line[Math.min(line.length - 1, k + 1)]!;
      const [dx, dy] = [after[0] - before[0], after[1] - before[1]];
      const half = (typeof width === "number" ? width : width(k / (line.length - 1))) / 2;
      const factor = half / Math.max(1e-6, Math.hypot(dx, dy));
      const [x, y, z] = line[k]!;
      left.push([x - dy * factor, y + dx * factor, z]);
      right.push([x + dy * factor, y - dx * factor, z]);
    }
    this.fill([[...left, ...right.toReversed()]], options);
  }

  /** Averages the lit samples of each pixel over `image`, which shows where no sample is set. */
  resolve(keyLight: Colour, ambientLight: Colour): void {
    const { size, depth, data, image } = this;
    const [k0, k1, k2] = keyLight;
    const [a0, a1, a2] = ambientLight;
    const side = size / SUPERSAMPLING;
    const weight = 1 / (SUPERSAMPLING * SUPERSAMPLING);
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        let r = 0;
        let g = 0;
        let b = 0;
        let filled = 0;
        for (let s = 0; s < SUPERSAMPLING * SUPERSAMPLING; s++) {
          const at = (y * SUPERSAMPLING + (s >> 1)) * size + x * SUPERSAMPLING + (s & 1);
          if (depth[at] === Number.NEGATIVE_INFINITY) continue;
          filled++;
          const k = at * ATTRIBUTES;
          const key = data[k + 3]!;
          const ambient = data[k + 4]!;
          const shine = data[k + 5]!;
          r += data[k]! * (key * k0 + ambient * a0) + shine;
          g += data[k + 1]! * (key * k1 + ambient * a1) + shine;
          b += data[k + 2]! * (key * k2 + ambient * a2) + shine;
        }
        if (filled === 0) continue;
        const out = (y * side + x) * 3;
        const empty = 1 - filled * weight;
        image[out] = image[out]! * empty + r * weight;
        image[out + 1] = image[out + 1]! * empty + g * weight;
        image[out + 2] = image[out + 2]! * empty + b * weight;
      }
    }
  }

  private blend(x: number, y: number, options: FillOptions, plane: readonly number[] | undefined): void {
    const at = y * this.size + x;
    if (options.within !== undefined && this.stencil[at] !== options.within) return;
    if (plane && this.depth[at]! > plane[0]! * x + plane[1]! * y + plane[2]! + options.depthTolerance!) return;
    const { data } = this;
    const out = at * ATTRIBUTES;
    const background = this.depth[at] === Number.NEGATIVE_INFINITY;
    if (options.covers) {
      this.covered[at] = 1;
      if (background) this.depth[at] = 1e6;
    } else if (background) return;
    if (options.mark !== undefined) this.stencil[at] = options.mark;
    const alpha = typeof options.alpha === "function" ? options.alpha(x, y) : (options.alpha ?? 1);
    for (let a = 0; a < 3; a++) data[out + a] = data[out + a]! + (options.colour[a]! - data[out + a]!) * alpha;
    if (options.light) {
      data[out + 3] = 0;
      data[out + 4] = options.light(x, y);
      data[out + 5] = 0;
    }
    if (options.shade !== undefined) {
      data[out + 3] = data[out + 3]! * options.shade;
      data[out + 4] = data[out + 4]! * options.shade;
      data[out + 5] = data[out + 5]! * options.shade;
    }
    if (options.shine !== undefined) data[out + 5] = data[out + 5]! + options.shine * alpha;
  }
}

function createMeshBuffers(vertexCount: number): MeshBuffers {
  return {
    points: new Float64Array(vertexCount * 3),
    places: new Float32Array(vertexCount * 3),
    attributes: new Float32Array(vertexCount * ATTRIBUTES),
  };
}

/** Least-squares plane depth = a x + b y + c through a ring. */
function fitPlane(ring: readonly Projected[]): [number, number, number] {
  const n = ring.length;
  let [mx, my, mz] = [0, 0, 0];
  for (const [x, y, z] of ring) {
    mx += x / n;
    my += y / n;
    mz += z / n;
  }
  let [xx, xy, yy, xz, yz] = [1e-3, 0, 1e-3, 0, 0];
  for (const [x, y, z] of ring) {
    xx += (x - mx) ** 2;
    xy += (x - mx) * (y - my);
    yy += (y - my) ** 2;
    xz += (x - mx) * (z - mz);
    yz += (y - my) * (z - mz);
  }
  const determinant = xx * yy - xy * xy;
  const a = (xz * yy - yz * xy) / determinant;
  const b = (yz * xx - xz * xy) / determinant;
  return [a, b, mz - a * mx - b * my];
}
