import type { Diagnosis } from "../doctor.js";
import { NO_GPU } from "./gpu-name.js";
import { nodeModules } from "./node-modules.js";
import { packageUrl } from "./resolve-tfjs-node.js";
import { lastLines, type ProgramResult, runProgram } from "./run-program.js";

/** Prints the diagnosis as its last line. What keeps the process alive then, such as Dawn, does not count. */
const PROGRAM = `
const [url, options] = process.argv.slice(-2);
const { doctor } = await import(url);
const text = JSON.stringify(await doctor(JSON.parse(options)));
process.stdout.write("\\n" + text + "\\n", () => process.exit());
`;

/** Flags of Node that say what to run, and how to watch it; the second take the next argument with them. */
const PROGRAM_FLAG = /^(--(input-type|inspect|test|watch)|-[ci]$|--(check|interactive)$)/;
const PROGRAM_TEXT_FLAG = /^(-e|-p|-pe|--eval|--print)$/;

/** How a backend is tried. */
export interface ApartOptions {
  milliseconds: number;
  /** Whether wasm is to use them; `undefined`: as the environment says. */
  wideRegisters: boolean | undefined;
  timeoutMs: number;
}

/** The built package, which another process can load; `undefined` where a bundle holds a copy of it. */
export async function builtPackage(): Promise<string | undefined> {
  const node = await nodeModules();
  try {
    const manifest = node.module.createRequire(packageUrl(node)).resolve("@acr/backend/package.json");
    const file = node.path.join(node.path.dirname(manifest), "dist", "index.js");
    return node.fs.existsSync(file) ? node.url.pathToFileURL(file).href : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Starts and measures one backend in a process of its own, with this one's flags: a driver that blocks or aborts takes only
 * that with it. Never rejects.
 *
 * @param url - of the built package.
 */
export async function diagnoseApart(
  name: string,
  url: string,
  { milliseconds, wideRegisters, timeoutMs }: ApartOptions,
): Promise<Pick<Diagnosis, "gpu" | "backends">> {
  const options = { seconds: milliseconds / 1000, backends: [name], inThisProcess: true };
  const result = await runProgram(
    process.execPath,
    [...flagsOfNode(process.execArgv), "--input-type=module", "-e", PROGRAM, "--", url, JSON.stringify(options)],
    {
      env: { ...process.env, ...(wideRegisters !== undefined && { ACR_WIDE_REGISTERS: wideRegisters ? "1" : "0" }) },
      timeoutMs: milliseconds + timeoutMs,
    },
  );
  try {
    return JSON.parse(result.stdout.trim().split("\n").at(-1) ?? "");
  } catch {
    return { gpu: NO_GPU, backends: [{ name, available: false, reason: failure(name, result, timeoutMs) }] };
  }
}

function flagsOfNode(flags: readonly string[]): string[] {
  return flags.filter(
    (flag, i) =>
      !PROGRAM_FLAG.test(flag) && !PROGRAM_TEXT_FLAG.test(flag) && !PROGRAM_TEXT_FLAG.test(flags[i - 1] ?? ""),
  );
}

function failure(name: string, { timedOut, killedBy, stderr }: ProgramResult, timeoutMs: number): string {
  if (timedOut) {
    return `${name} did not answer for ${timeoutMs / 1000} seconds, and was ended: its driver blocks, or this machine is very busy. Update the driver or leave ${name} out; acr doctor --limit, or limitSeconds, waits longer.`;
  }
  const how = killedBy ? `was ended by ${killedBy}` : "ended";
  return `the process that tried ${name} ${how}: ${lastLines(stderr)} Update its driver or package, or leave ${name} out.`;
}
