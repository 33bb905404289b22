import { join } from "node:path";
import { childProcesses } from "@acr/testing";

// Every backend is started and measured twice, WebGPU on a software driver too.
jest.setTimeout(120_000);

const { runNode } = childProcesses();
const acr = (...args: string[]) => runNode([join(__dirname, "../../bin/acr.js"), ...args]);

it("acr doctor says what memory there is and which batch of the default recipe fits into it", async () => {
  const { code, out } = await acr("doctor", "--json", "--seconds", "0.5");
  expect(code).toBe(0);
  const { memory } = JSON.parse(out);
  expect(memory).toEqual({
    backbone: expect.any(String),
    imageSize: expect.any(Number),
    batchSize: expect.any(Number),
    neededBytes: expect.any(Number),
    availableBytes: expect.any(Number),
    largestBatch: expect.any(Number),
  });
  const { neededBytes, availableBytes, batchSize, largestBatch } = memory;
  expect(neededBytes).toBeGreaterThan(1e7);
  expect(largestBatch >= batchSize).toBe(neededBytes <= availableBytes);
  const text = await acr("doctor", "--wide", "--seconds", "0.5");
  expect(text.code).toBe(0);
  expect(text.out).toMatch(/^256-bit registers: (in use|asked for, not in use \(see the notes of wasm\))$/m);
  expect(text.out).toMatch(/relaxed SIMD, (256 bits|no 256 bits: )/);
  const line = /^Memory: (\S+) GB for training; (\S+) at (\d+) px fits with batches of up to (\d+)$/m.exec(text.out)!;
  expect(line.slice(2, 4)).toEqual([memory.backbone, String(memory.imageSize)]);
  // Other programs come and go in between.
  expect(Number(line[1])).toBeGreaterThan(0);
  expect(Number(line[4])).toBeGreaterThan(0);
});
