// Draws a sheet of synthetic faces as a PNG. Without arguments it writes the pictures of the README.
//   node packages/synthetic/scripts/contact-sheet.mjs [--out FILE --count N --columns N --size PX --zoom N --first I
//     --seed S --scheme ID --points --<option of createSyntheticFaces> VALUE]
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createSyntheticFaces } from "@acr/synthetic";
import { PNG } from "pngjs";

const PARTS = [
  [255, 220, 60],
  [90, 230, 120],
  [90, 200, 255],
  [255, 130, 200],
  [255, 150, 60],
  [200, 160, 255],
  [120, 255, 240],
  [255, 90, 90],
];

async function sheet({ out, count, columns, size, zoom, first, points, ...options }) {
  const faces = createSyntheticFaces({ count: first + count, imageSize: size, ...options });
  const side = size * zoom;
  const rows = Math.ceil(count / columns);
  const png = new PNG({ width: columns * side, height: rows * side });
  png.data.fill(255);
  for (let i = 0; i < count; i++) {
    const { image, landmarks, visible, scheme } = await faces.get(first + i);
    const [left, top] = [(i % columns) * side, Math.floor(i / columns) * side];
    const put = (x, y, colour) => {
      if (x < 0 || y < 0 || x >= side || y >= side) return;
      png.data.set(colour, ((top + y) * png.width + left + x) * 4);
    };
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const at = (Math.floor(y / zoom) * size + Math.floor(x / zoom)) * 3;
        put(x, y, image.data.subarray(at, at + 3));
      }
    }
    if (!points) continue;
    const radius = Math.max(1, Math.round(side / 190));
    Object.values(scheme.groups).forEach((group, part) => {
      for (const k of group) {
        const [cx, cy] = [(landmarks[2 * k] + 0.5) * zoom - 0.5, (landmarks[2 * k + 1] + 0.5) * zoom - 0.5];
        for (let dy = -radius; dy <= radius; dy++) {
          for (let dx = -radius; dx <= radius; dx++) {
            const edge = Math.max(Math.abs(dx), Math.abs(dy)) === radius;
            // Hidden points are rings.
            if (visible[k] || edge) put(Math.round(cx) + dx, Math.round(cy) + dy, PARTS[part % PARTS.length]);
          }
        }
      }
    });
  }
  writeFileSync(out, PNG.sync.write(png));
  process.stdout.write(`${out}: ${count} faces\n`);
}

const { values } = parseArgs({
  options: {
    out: { type: "string" },
    count: { type: "string", default: "40" },
    columns: { type: "string", default: "8" },
    size: { type: "string", default: "128" },
    zoom: { type: "string", default: "1" },
    first: { type: "string", default: "0" },
    seed: { type: "string", default: "1" },
    scheme: { type: "string", default: "ibug68" },
    points: { type: "boolean", default: false },
    maxYawDegrees: { type: "string" },
    occlusionProbability: { type: "string" },
    appearance: { type: "string" },
  },
});
if (values.out) {
  const numbers = ["count", "columns", "size", "zoom", "first", "maxYawDegrees", "occlusionProbability"];
  await sheet(
    Object.fromEntries(
      Object.entries(values).map(([key, value]) => [key, numbers.includes(key) ? Number(value) : value]),
    ),
  );
} else {
  const docs = (name) => fileURLToPath(new URL(`../docs/${name}`, import.meta.url));
  const common = { size: 128, zoom: 1, first: 0, seed: 1, scheme: "ibug68", points: false };
  await sheet({ ...common, out: docs("faces.png"), count: 16, columns: 8 });
  await sheet({ ...common, out: docs("landmarks.png"), count: 5, columns: 5, size: 192, points: true, seed: 9 });
}
