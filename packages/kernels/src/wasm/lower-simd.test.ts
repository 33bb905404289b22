import { pathToFileURL } from "node:url";
import { childProcesses } from "@acr/testing";

const { runNode } = childProcesses();
const script = pathToFileURL(`${__dirname}/../../scripts/lower-simd.mjs`).href;

/** What becomes of one WebAssembly function: its result without SIMD, or what `lowerSimd` says. */
async function lowered(functions: readonly string[]): Promise<string[]> {
  const program = `
    import binaryen from "binaryen";
    import { lowerSimd } from ${JSON.stringify(script)};
    for (const text of ${JSON.stringify(functions)}) {
      const module = binaryen.parseText(\`(module (memory 1) \${text})\`);
      module.setFeatures(binaryen.Features.All);
      try {
        const { exports } = new WebAssembly.Instance(new WebAssembly.Module(lowerSimd(module.emitBinary())));
        console.log(JSON.stringify(exports.f(1.5)));
      } catch ({ message }) {
        console.log(message);
      }
    }`;
  const { code, out, err } = await runNode(["--input-type=module", "-e", program], { cwd: __dirname });
  expect([code, code ? err : ""]).toEqual([0, ""]);
  return out.trim().split("\n");
}

const f = (body: string) => `(func (export "f") (param f32) (result f32) ${body})`;

it("lowerSimd(binary) keeps what a function computes", async () => {
  const splat = "(f32x4.splat (local.get 0))";
  const numbers = "(v128.const f32x4 10 20 30 40)";
  const lane = (i: number, value: string) => f(`(f32x4.extract_lane ${i} ${value})`);
  expect(
    await lowered([
      lane(2, `(f32x4.add ${splat} ${numbers})`),
      lane(1, `(i8x16.shuffle 12 13 14 15 0 1 2 3 16 17 18 19 4 5 6 7 ${numbers} ${splat})`),
      lane(3, `(select ${numbers} ${splat} (f32.gt (local.get 0) (f32.const 1)))`),
      lane(0, `(if (result v128) (f32.gt (local.get 0) (f32.const 2)) (then ${numbers}) (else ${splat}))`),
      // A NaN on the left stays, one on the right does not.
      lane(0, `(f32x4.pmin (f32x4.splat (f32.const nan)) ${splat})`),
      lane(0, `(f32x4.pmin ${splat} (f32x4.splat (f32.const nan)))`),
    ]),
  ).toEqual(["31.5", "10", "40", "1.5", "null", "1.5"]);
});

it("lowerSimd(binary) refuses what it does not know", async () => {
  const splat = "(f32x4.splat (local.get 0))";
  const unknown = [
    f(`(f32x4.extract_lane 0 (i8x16.add ${splat} ${splat}))`),
    f(`(f32x4.extract_lane 0 (i8x16.shuffle 1 2 3 4 0 1 2 3 0 1 2 3 0 1 2 3 ${splat} ${splat}))`),
    f(`(f32.convert_i32_s (i32x4.extract_lane 0 ${splat}))`),
    f(`(f32.convert_i32_s (i32x4.all_true ${splat}))`),
    `(global $g (mut v128) (v128.const i32x4 0 0 0 0)) ${f(`(global.set $g ${splat}) (f32.const 0)`)}`,
    `(func $g (param v128) (result f32) (f32x4.extract_lane 0 (local.get 0))) ${f(`(call $g ${splat})`)}`,
  ];
  const messages = await lowered(unknown);
  // The validator prints what it found, too.
  const refusals = messages.filter((message) => message.startsWith("lowerSimd: "));
  expect(refusals).toHaveLength(unknown.length);
  expect(refusals[0]).toContain("an operation that is not known here");
  expect(refusals[1]).toContain("a shuffle that does not move whole lanes: 1, 2, 3, 4");
  expect(refusals[2]).toContain("the module uses SIMD in a way that is not known here");
  expect(refusals[5]).toContain("takes or returns a v128");
});
