import { nodeModules } from "./node-modules.js";
import { packageUrl } from "./resolve-tfjs-node.js";
import { lastLines, runProgram } from "./run-program.js";
import { type AdapterInfo, describeAdapter, NO_ADAPTER, NO_PACKAGE, softwareReason } from "./web-gpu-adapter.js";

const TIMEOUT_MS = 10_000;

/** Asks for the adapter as `startWebGpu` does, and prints what it is. */
const PROGRAM = `
const { create } = await import(process.env.ACR_WEBGPU_MODULE);
const wanted = process.env.ACR_WEBGPU_ADAPTER;
const adapter = await create(wanted ? ["adapter=" + wanted] : []).requestAdapter();
const { vendor, architecture, description, isFallbackAdapter } = adapter?.info ?? {};
console.log(JSON.stringify(adapter && { vendor, architecture, description, isFallbackAdapter }));
`;

/**
 * Why Node should not choose WebGPU by itself; `undefined` where a graphics processor answers. Asks in a process of its own: a
 * driver may print to the terminal, or end the process that asks. Never throws.
 *
 * @param options.module - URL or path of the package `webgpu`. Default: the installed one.
 * @param options.timeoutMs - how long it may take. Default 10,000.
 */
export async function webGpuDoubt({
  module,
  timeoutMs = TIMEOUT_MS,
}: {
  module?: string;
  timeoutMs?: number;
} = {}): Promise<string | undefined> {
  const node = await nodeModules();
  const found = module ?? installed(node.module.createRequire(packageUrl(node)).resolve, node.url.pathToFileURL);
  if (found === undefined) return NO_PACKAGE;
  const env = { ...process.env, ACR_WEBGPU_MODULE: found };
  const { stdout, stderr, timedOut } = await runProgram(process.execPath, ["--input-type=module", "-e", PROGRAM], {
    env,
    timeoutMs,
  });
  const problem = timedOut ? `it did not answer for ${timeoutMs / 1000} seconds` : lastLines(stderr);
  let info: AdapterInfo | null;
  try {
    info = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  } catch {
    return `webgpu does not start here (${problem}). Name it in prefer, or --backend webgpu, to see why.`;
  }
  if (!info) return NO_ADAPTER;
  const { name, isSoftware } = describeAdapter(info);
  return isSoftware ? softwareReason(name) : undefined;
}

function installed(resolve: (name: string) => string, toUrl: (path: string) => URL): string | undefined {
  try {
    return toUrl(resolve("webgpu")).href;
  } catch (error) {
    // There, but for `import` alone.
    return (error as { code?: string }).code === "ERR_PACKAGE_PATH_NOT_EXPORTED" ? "webgpu" : undefined;
  }
}
