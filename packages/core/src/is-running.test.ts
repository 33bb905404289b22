import { spawnSync } from "node:child_process";
import { isRunning } from "./node.js";

it("tells a process that runs from one that has ended", () => {
  expect(isRunning(process.pid)).toBe(true);
  expect(isRunning(process.ppid)).toBe(true);
  expect(isRunning(spawnSync(process.execPath, ["-e", ""]).pid)).toBe(false);
});
