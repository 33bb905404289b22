import { fileURLToPath } from "node:url";
import { childProcesses } from "@acr/testing";

const root = fileURLToPath(new URL("../", `file://${__dirname}/`));
const PROGRAM = `
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { setupBackend } from "./dist/index.js";

await tf.setBackend("cpu");
const x = tf.tensor1d([1, 2, 3]);
const said = await setupBackend({ prefer: ["wasm"], threads: 2 }).catch(({ name, code, message }) => ({ name, code, message }));
const after = tf.getBackend();
const { name, skipped } = await setupBackend({ threads: 1 });
console.log(JSON.stringify({ said, after, name, skipped, sum: [...tf.add(x, 1).dataSync()] }));
`;
const { runNode } = childProcesses();

// Without SSE4.1 V8 has no WebAssembly SIMD; other processors have another flag or none.
(process.arch === "x64" ? it : it.skip)(
  "setupBackend names a real runtime without SIMD, keeps the backend in use, and falls back to cpu",
  async () => {
    const { code, out, err } = await runNode(["--no-enable-sse4-1", "--input-type=module", "-e", PROGRAM], {
      cwd: root,
    });
    expect([code, err.includes("Aborted")]).toEqual([0, false]);
    const { said, after, name, skipped, sum } = JSON.parse(out.trim().split("\n").at(-1)!);
    expect(said.message).toContain("wasm: this runtime has no WebAssembly SIMD. Use Node >= 20");
    expect(said.code).toBeDefined();
    expect([after, name, skipped.at(-1).name, sum]).toEqual(["cpu", "cpu", "wasm", [2, 3, 4]]);
  },
);
