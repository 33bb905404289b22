import { type ChildProcess, spawn } from "node:child_process";

/** A worker that ends sooner than this by itself will do so again. */
const TOO_SOON_MS = 5000;
/** Ends in a row that are too soon before no new one is started. */
const PATIENCE = 3;
const RESTART_MS = 1000;

/** Keeps so many processes of `acr sweep worker` going: one that dies is replaced, its trial goes on elsewhere meanwhile. */
export class SweepWorkers {
  private readonly children = new Set<ChildProcess>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private isStopping = false;

  constructor(
    private readonly args: readonly string[],
    /** Takes what is worth telling. */
    private readonly say: (line: string) => void,
  ) {}

  start(count: number): void {
    for (let i = 0; i < count; i++) this.spawn(0);
  }

  /** Asks all to stop after their step and waits for them. */
  async stop(): Promise<void> {
    this.isStopping = true;
    for (const timer of this.timers) clearTimeout(timer);
    const ends = [...this.children].map((child) => new Promise((resolve) => child.once("exit", resolve)));
    for (const child of this.children) child.kill("SIGTERM");
    await Promise.all(ends);
  }

  private spawn(soonEnds: number): void {
    const began = performance.now();
    // In a group of its own, a Ctrl-C of the terminal reaches it through `stop` alone.
    const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...this.args], {
      stdio: ["ignore", "ignore", "inherit"],
      detached: process.platform !== "win32",
    });
    this.children.add(child);
    child.once("exit", (code, signal) => {
      this.children.delete(child);
      if (this.isStopping) return;
      const soon = performance.now() - began < TOO_SOON_MS ? soonEnds + 1 : 0;
      const how = signal ?? `code ${code}`;
      if (soon >= PATIENCE) {
        this.say(`worker ${child.pid} ended with ${how}, as did those before it; start others with acr sweep worker`);
        return;
      }
      this.say(`worker ${child.pid} ended with ${how}; another one takes its place`);
      const timer = setTimeout(() => {
        this.timers.delete(timer);
        this.spawn(soon);
      }, RESTART_MS);
      this.timers.add(timer);
    });
  }
}
