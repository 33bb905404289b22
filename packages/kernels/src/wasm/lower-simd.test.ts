import { pathToFileURL } from "node:url";
import { childProcesses } from "@acr/testing";

const { runNode } = childProcesses();
const script = pathToFileURL(`${__dirname}/../../scripts/lower-simd.mjs`).href;

/** What becomes of one WebAssembly function: its result without SIMD (or with it), or what `lowerSimd` says. */
async function lowered(functions: readonly string[], hasSimd = false): Promise<string[]> {
  const program = `
    import binaryen from "binaryen";
    import { lowerSimd } from ${JSON.stringify(script)};
    for (const text of ${JSON.stringify(functions)}) {
      const module = binaryen.parseText(\`(module (memory 1) \${text})\`);
      module.setFeatures(binaryen.Features.All);
      try {
        const { exports } = new WebAssembly.Instance(new WebAssembly.Module(${hasSimd ? "" : "lowerSimd"}(module.emitBinary())));
        console.log(String(exports.f(1.5)));
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
  ).toEqual(["31.5", "10", "40", "1.5", "NaN", "1.5"]);
});

it("lowerSimd(binary) computes what every operation that it knows does", async () => {
  // Also numbers that are no number, and those whose sign is all they have.
  const left = "(f32x4.add (f32x4.splat (local.get 0)) (v128.const f32x4 -1.5 nan 2 -2e9))";
  const right = "(f32x4.mul (f32x4.splat (local.get 0)) (v128.const f32x4 -0 1 nan -1e9))";
  const zeros = "(v128.const f32x4 -0 0 -0 0)";
  const binary = ["add", "sub", "mul", "pmin", "pmax", "eq", "ne", "gt", "lt", "ge", "le"]
    .map((name) => `f32x4.${name}`)
    .concat(["v128.and", "v128.or", "v128.xor", "i32x4.add", "i32x4.sub", "i32x4.mul", "f64x2.add"]);
  const values = [
    ...binary.flatMap((op) => [`(${op} ${left} ${right})`, `(${op} ${left} ${zeros})`]),
    // Not 0 / 0, nor the least of NaN and another: the bits of what comes out are open.
    ...["min", "max"].map((name) => `(f32x4.${name} (f32x4.splat (local.get 0)) (v128.const f32x4 -0 1 2 -2e9))`),
    ...["min", "max"].map((name) => `(f32x4.${name} (v128.const f32x4 0 -0 0 -0) ${zeros})`),
    `(f32x4.div (v128.const f32x4 1 nan 2 -2e9) ${right})`,
    ...["abs", "neg", "sqrt"].map((name) => `(f32x4.${name} ${left})`),
    `(f64x2.promote_low_f32x4 ${right})`,
    `(i32x4.shl ${left} (i32.trunc_f32_s (f32.add (local.get 0) (f32.const 38))))`,
    `(v128.bitselect ${left} ${right} (f32x4.gt ${right} ${left}))`,
    "(i32x4.splat (i32.trunc_f32_s (f32.mul (local.get 0) (f32.const -1e6))))",
    "(v128.load32_splat offset=4 (i32.const 0))",
    "(v128.load64_zero offset=4 (i32.const 0))",
  ];
  // The result goes through the memory, so that its bits can be looked at: all of them joined into one number.
  const hash =
    "(i64.xor (i64.mul (i64.load offset=16 (i32.const 0)) (i64.const 31)) (i64.load offset=24 (i32.const 0)))";
  const functions = values.map(
    (value) =>
      `(func (export "f") (param f32) (result i64) (local $v v128)
        (v128.store offset=0 (i32.const 0) (v128.const i32x4 1 2 3 4))
        (local.set $v ${value})
        (v128.store offset=16 (i32.const 0) (local.get $v))
        ${hash})`,
  );
  const expected = await lowered(functions, true);
  expect(new Set(expected).size).toBeGreaterThan(20);
  expect(await lowered(functions)).toEqual(expected);
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
