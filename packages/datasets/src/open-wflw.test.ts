import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Jimp } from "jimp";
import { openWflw } from "./index.js";

const points = Array.from({ length: 196 }, (_, i) => 10.25 + (i % 40));
const line = (name: string, attributes = "0 0 0 0 0 0", values: readonly (number | string)[] = points) =>
  `${values.join(" ")} 8 9 60 61 ${attributes} ${name}`;

async function wflw(lists: { train?: string[]; test?: string[] }): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), "acr wflw "));
  const lists98 = join(root, "WFLW_annotations/list_98pt_rect_attr_train_test");
  mkdirSync(lists98, { recursive: true });
  mkdirSync(join(root, "WFLW_images/0--Parade"), { recursive: true });
  await new Jimp({ width: 70, height: 72, color: 0x3366ccff }).write(
    join(root, "WFLW_images/0--Parade/a.png") as `${string}.png`,
  );
  for (const [split, lines] of Object.entries(lists))
    writeFileSync(join(lists98, `list_98pt_rect_attr_${split}.txt`), `\uFEFF${lines.join("\r\n")}\r\n`);
  return root;
}

it("openWflw reads points, rectangle and attributes, and several faces of one picture", async () => {
  const root = await wflw({ train: [line("0--Parade/a.png"), line("0--Parade/a.png", "1 0 0 0 0 1")] });
  const faces = await openWflw({ root });
  expect(faces.length).toBe(2);
  const { image, landmarks, box, tags, id } = await faces.get(1);
  expect([image.width, image.height]).toEqual([70, 72]);
  expect([...Array.from(landmarks)]).toEqual(points);
  expect(box).toEqual([8, 9, 60, 61]);
  expect([tags.largepose, tags.makeup, tags.blur]).toEqual([true, false, true]);
  expect(id).not.toBe((await faces.get(0)).id);
  expect((await (await openWflw({ root, box: "landmarks" })).get(0)).box).toEqual([10.25, 11.25, 48.25, 49.25]);
});

it("openWflw picks the test faces with an attribute", async () => {
  const root = await wflw({ test: [line("0--Parade/a.png"), line("0--Parade/a.png", "0 0 0 1 0 0")] });
  expect((await openWflw({ root, split: "test" })).length).toBe(2);
  expect((await openWflw({ root, split: "makeup" })).length).toBe(1);
  await expect(openWflw({ root, split: "blur" })).rejects.toThrow("holds no faces of split blur");
});

it.each([
  [line("../../secret.png"), /train\.txt:1: picture "\.\.\/\.\.\/secret\.png" must lie inside WFLW_images/],
  [line("/etc/passwd"), /must lie inside/],
  [line("0--Parade/a.png", "0 0 0 0 0 2"), /train\.txt:1: expected six attributes/],
  [line("0--Parade/a.png", undefined, points.slice(2)), /expected 207 fields; got 205/],
  [line("0--Parade/a.png", undefined, ["NaN", ...points.slice(1)]), /field 1: expected a number; got "NaN"/],
  [line("0--Parade/b.png"), /b\.png: cannot be read \(ENOENT\)/],
])("openWflw names file and line of a fault (%#)", async (text, message) => {
  const root = await wflw({ train: [text, line("0--Parade/a.png")] });
  await expect(openWflw({ root })).rejects.toThrow(message);
  const faces = await openWflw({ root, skipFaulty: true });
  expect([faces.length, faces.skipped]).toEqual([1, 1]);
});
