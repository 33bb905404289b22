import { BackendError } from "@acr/core";
import type { InstallTensorFlowOptions } from "../install-tensorflow.js";
import type { NodeModules } from "./node-modules.js";
import { lastLines, type ProgramResult } from "./run-program.js";
import type { TensorFlowRelease } from "./tensorflow-release.js";

/** An installation that is being made. */
export interface InstallWork {
  node: NodeModules;
  /** Where it is made; it moves to its place at the end. */
  folder: string;
  /** The user's folder with downloads, if any. */
  sources: string | undefined;
  options: InstallTensorFlowOptions;
  release: TensorFlowRelease;
  say: (message: string) => void;
}

/** An error of `installTensorFlow`. */
export const installFault = (message: string, cause?: unknown): BackendError =>
  new BackendError(`installTensorFlow: ${message}`, { cause });

/** Words of programs that ran out of disk. */
const DISK_FULL = /No space left|ENOSPC|disk quota|EDQUOT/i;

/** A program's failure as the error to report. */
export function programFault(what: string, result: ProgramResult, hint: string): BackendError {
  const said = result.stderr.trim() || result.stdout;
  if (DISK_FULL.test(said)) return installFault(`${what}: the disk is full. Free some space or pass another dir.`);
  return installFault(`${what} failed: ${lastLines(said)} ${hint}`.trimEnd());
}

/** The hash of a file. */
export async function hashFile(
  { crypto, fs, streams }: NodeModules,
  file: string,
  [algorithm, encoding]: ["sha256", "hex"] | ["sha512", "base64"],
): Promise<string> {
  const hash = crypto.createHash(algorithm);
  await streams.pipeline(fs.createReadStream(file), hash);
  return hash.digest(encoding);
}
