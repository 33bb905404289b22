import { nodeModules } from "./node-modules.js";

/** What a program did. `missing`: there is no such program. */
export interface ProgramResult {
  code: number | null;
  stdout: string;
  stderr: string;
  missing: boolean;
}

/** Runs a program without a shell and collects what it prints. Never rejects; an abort kills it. */
export async function runProgram(
  command: string,
  args: readonly string[],
  { cwd, signal }: { cwd?: string; signal?: AbortSignal } = {},
): Promise<ProgramResult> {
  const { child } = await nodeModules();
  return new Promise((resolve) => {
    const running = child.spawn(command, args, { cwd, signal, env: process.env, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    running.stdout.on("data", (data) => {
      stdout += data;
    });
    running.stderr.on("data", (data) => {
      stderr += data;
    });
    running.on("error", (error: NodeJS.ErrnoException) =>
      resolve({ code: null, stdout, stderr: stderr || error.message, missing: error.code === "ENOENT" }),
    );
    running.on("close", (code) => resolve({ code, stdout, stderr, missing: false }));
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
