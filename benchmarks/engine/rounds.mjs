// What comparisons of training steps share: engines that run as processes and take turns, and where a row was measured.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { createInterface } from "node:readline";

/** What a program prints. */
export const run = (command, args) =>
  execFileSync(command, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    maxBuffer: 1e7,
  });

/** The middle of a list. */
export function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * The most of a turn that the machine may take, as a share of its time: a thread waited for a core while another core was
 * idle, or other programs and the host computed. The kernels of some virtual machines keep both threads of a process on one
 * core for seconds, which costs any engine twice its time and says nothing about it; the share is then about a half. Keras,
 * with more threads than cores, has 0.1 to 0.3 by itself.
 */
const MOST_LOST = 0.25;
const MOST_TRIES = 4;

/**
 * Starts an engine: a program that prepares a step, prints its version as a line of JSON, and answers each number of steps
 * on its standard input with a line `{ ms, peakMemoryMb }` (`serve.mjs`, `serve.py`).
 */
export async function startEngine(command, args, env = {}) {
  const child = spawn(command, args, {
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1", ...env },
  });
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors = (errors + chunk).slice(-2000);
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  /** Programs also print what isn't for us: progress bars, warnings. */
  const answer = async () => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error(`${command} ${args.join(" ")} ended:\n${errors}`);
      if (value.startsWith("{")) return JSON.parse(value);
    }
  };
  const { version } = await answer();
  const take = async (steps) => {
    const before = threadTimes(child.pid);
    child.stdin.write(`${steps}\n`);
    const told = await answer();
    return { ...told, lost: lostShare(before, threadTimes(child.pid)) };
  };
  return { version, take, stop: () => child.kill() };
}

/** Seconds since the start; that a process' threads waited for a core; that it computed; that cores were idle; that they were not. */
function threadTimes(pid) {
  const now = performance.now() / 1000;
  try {
    const schedules = readdirSync(`/proc/${pid}/task`).map((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ").map(Number),
    );
    const seconds = (field) => schedules.reduce((sum, fields) => sum + fields[field] / 1e9, 0);
    const [user, nice, system, idle, ioWait, ...rest] = readFileSync("/proc/stat", "utf8")
      .split("\n", 1)[0]
      .split(/\s+/)
      .slice(1, 9)
      .map((ticks) => Number(ticks) / 100);
    const busy = rest.reduce((sum, value) => sum + value, user + nice + system);
    return {
      now,
      waited: seconds(1),
      computed: seconds(0),
      idle: idle + ioWait,
      busy,
    };
  } catch {
    return { now, waited: 0, computed: 0, idle: 0, busy: 0 }; // not Linux: no turn is taken again
  }
}

function lostShare(before, after) {
  const { now, waited, computed, idle, busy } = Object.fromEntries(
    Object.entries(after).map(([key, value]) => [key, value - before[key]]),
  );
  return (Math.min(waited, idle) + Math.max(0, busy - computed)) / now;
}

/**
 * Rounds in which each engine takes a turn of `steps` steps, in an order that rotates. Turns that the machine disturbed are
 * taken again, at most three times, and the one that lost least counts, also where that is more than `MOST_LOST`. By name: version,
 * median of all rounds, the rounds, what each lost, repeated turns, and peak memory.
 */
export async function measureRounds(engines, rounds, steps) {
  const names = Object.keys(engines);
  const results = Object.fromEntries(
    names.map((name) => [name, { rounds: [], lost: [], repeated: 0, peakMemoryMb: 0 }]),
  );
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + turn) % names.length];
      const result = results[name];
      let best;
      for (let tries = 0; tries < MOST_TRIES && !(best?.lost <= MOST_LOST); tries++) {
        const told = await engines[name].take(steps);
        console.error(round, name, told.ms.toFixed(1), "ms/image, lost", told.lost.toFixed(2));
        if (tries) result.repeated++;
        if (!best || told.lost < best.lost) best = told;
      }
      result.rounds.push(Number(best.ms.toFixed(2)));
      result.lost.push(Number(best.lost.toFixed(2)));
      result.peakMemoryMb = Math.max(result.peakMemoryMb, Math.round(best.peakMemoryMb));
    }
  }
  return Object.fromEntries(
    names.map((name) => [
      name,
      {
        version: engines[name].version,
        medianMs: median(results[name].rounds),
        ...results[name],
      },
    ]),
  );
}

/** Starts engines one after another, measures them in rounds and stops them. */
export async function compareEngines(starts, rounds, steps) {
  const engines = {};
  try {
    for (const [name, start] of Object.entries(starts)) engines[name] = await start();
    return await measureRounds(engines, rounds, steps);
  } finally {
    for (const { stop } of Object.values(engines)) stop();
  }
}

/** Writes a record in the repository's own format, so that its lint has nothing to say. */
export function writeJson(file, value) {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
  try {
    run("npx", ["biome", "format", "--write", file]);
  } catch {
    // Written all the same.
  }
}

/**
 * Puts a row into a record of rows: the old one of the same machine and setting (`keys`) makes room, others stay, also those
 * of other machines. Returns all rows, sorted by machine and setting.
 */
export function recordRow(file, row, keys) {
  const key = (other) => ["machine", ...keys].map((name) => String(other[name] ?? "")).join();
  const rows = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : [];
  const all = [...rows.filter((old) => key(old) !== key(row)), row].sort((a, b) =>
    key(a).localeCompare(key(b), "en", { numeric: true }),
  );
  writeJson(file, all);
  return all;
}

/** A section of Markdown for each machine, because times of different machines don't compare. */
export const sectionsByMachine = (rows, section) =>
  [...new Set(rows.map(({ machine }) => machine))]
    .map((machine) => `## ${machine}\n\n${section(rows.filter((row) => row.machine === machine))}`)
    .join("\n\n");

/** Where and on what a row was measured. */
export const machineAndCommit = () => ({
  machine: `${cpus().length} × ${cpus()[0].model}`,
  commit: run("git", ["rev-parse", "--short", "HEAD"]).trim(),
});
