import { join } from "node:path";
import { standInPrograms } from "./__fixtures__/stand-in-programs.js";
import { runProgram } from "./run-program.js";

describe("runProgram(command, args, options)", () => {
  const { folder, script } = standInPrograms();

  it("collects what a program prints and how it ended", async () => {
    const result = await runProgram(script("talks", 'echo "$1 $NAME"; echo no >&2; exit 3'), ["hello"], {
      env: { ...process.env, NAME: "acr" },
    });
    expect(result).toEqual({
      code: 3,
      killedBy: null,
      stdout: "hello acr\n",
      stderr: "no\n",
      missing: false,
      timedOut: false,
    });
    expect(await runProgram(script("dies", "kill -ABRT $$"), [])).toMatchObject({ code: null, killedBy: "SIGABRT" });
    expect(await runProgram(join(folder, "absent"), [])).toMatchObject({ code: null, missing: true });
  });

  it("gives up a program that answers to nothing, with what it had printed", async () => {
    // What ignores SIGTERM stands for a driver that holds its process in the kernel.
    const deaf = script("deaf", `trap "" TERM; echo begun; exec sleep 1000`);
    expect(await runProgram(deaf, [], { timeoutMs: 1000 })).toMatchObject({
      code: null,
      stdout: "begun\n",
      timedOut: true,
    });
  });

  it("is stopped by a signal", async () => {
    const signal = AbortSignal.timeout(100);
    expect(await runProgram(script("slow", "exec sleep 1000"), [], { signal })).toMatchObject({ code: null });
  });
});
