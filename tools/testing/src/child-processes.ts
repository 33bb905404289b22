import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";

/** What a program said and how it ended. */
export interface ProgramEnd {
  code: number | null;
  out: string;
  err: string;
}

/** Sees what a program says: the new piece, all so far, and the process. */
export type Listener = (piece: string, all: string, child: ChildProcess) => void;

/**
 * Programs of a test file; those that still run when it ends are killed and waited for. Call it at the top of the file, in
 * front of an `afterAll` that removes their folders.
 */
export function childProcesses() {
  const children: ChildProcess[] = [];
  const start = (command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess => {
    const child = spawn(command, args, options);
    children.push(child);
    return child;
  };
  /** Runs a script of Node to its end. */
  const runNode = (
    args: readonly string[],
    { cwd, env, onOut, onErr }: { cwd?: string; env?: NodeJS.ProcessEnv; onOut?: Listener; onErr?: Listener } = {},
  ): Promise<ProgramEnd> => {
    const child = start(process.execPath, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    const said = { out: "", err: "" };
    const listen = (stream: "out" | "err", listener: Listener | undefined) =>
      child[stream === "out" ? "stdout" : "stderr"]!.on("data", (piece) => {
        said[stream] += piece;
        listener?.(`${piece}`, said[stream], child);
      });
    listen("out", onOut);
    listen("err", onErr);
    return new Promise((resolve) => child.once("close", (code) => resolve({ code, ...said })));
  };
  afterAll(() => Promise.all(children.map(end)));
  return { start, runNode, end, children: children as readonly ChildProcess[] };
}

/** Jest waits for no process: one that is still ending, or its pipe, would keep it from exiting. */
function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.stdout?.destroy();
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}
