import { nodeModules } from "./node-modules.js";

/** What a program did. */
export interface ProgramResult {
  code: number | null;
  /** What killed it, if that is how it ended. */
  killedBy: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** There is no such program. */
  missing: boolean;
  /** It was given up after the time limit. */
  timedOut: boolean;
}

/** How `runProgram` runs a program. */
export interface RunProgramOptions {
  cwd?: string;
  /** Default: that of this process. */
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
  /** After which it is killed. Default: none. */
  timeoutMs?: number;
}

/**
 * Runs a program without a shell and collects what it prints. Never rejects; an abort or the time limit kills it. Who waits
 * goes on then, and may end, even if the program cannot: a driver that blocks holds it in the kernel.
 */
export async function runProgram(
  command: string,
  args: readonly string[],
  { cwd, env = process.env, signal, timeoutMs }: RunProgramOptions = {},
): Promise<ProgramResult> {
  const { child } = await nodeModules();
  return new Promise((resolve) => {
    const running = child.spawn(command, args, { cwd, signal, env, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    const end = (how: Partial<ProgramResult>) => {
      clearTimeout(timer);
      resolve({ code: null, killedBy: null, stdout, stderr, missing: false, timedOut: false, ...how });
    };
    const giveUp = () => {
      running.kill("SIGKILL");
      running.stdout.destroy();
      running.stderr.destroy();
      running.unref();
      end({ timedOut: true });
    };
    const timer = timeoutMs === undefined ? undefined : setTimeout(giveUp, timeoutMs);
    running.stdout.on("data", (data) => {
      stdout += data;
    });
    running.stderr.on("data", (data) => {
      stderr += data;
    });
    running.on("error", (error: NodeJS.ErrnoException) =>
      end({ stderr: stderr || error.message, missing: error.code === "ENOENT" }),
    );
    running.on("close", (code, killedBy) => end({ code, killedBy }));
  });
}

/** The last lines of a program's complaint, for an error message. */
export const lastLines = (text: string, count = 2): string =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
    .slice(-count)
    .join(" ") || "(it printed nothing)";
