import { BackendError, InvalidArgumentError } from "@acr/core";
import { type NodeModules, nodeModules } from "./node-modules.js";

/** What an installation says of itself, in `install.json`. */
export interface TensorFlowManifest {
  formatVersion: 1;
  tensorflow: string;
  cuda: boolean;
  wheel: string;
  sha256: string;
  platform: string;
  compiler: string;
}

export const MANIFEST = "install.json";

/** In the user's data folder: one copy serves all projects. */
export function defaultTensorFlowFolder({ os, path }: NodeModules): string {
  const data =
    process.platform === "darwin"
      ? path.join(os.homedir(), "Library", "Application Support")
      : process.env.XDG_DATA_HOME || path.join(os.homedir(), ".local", "share");
  return path.join(data, "acr", "tensorflow");
}

/**
 * `dir`, else `ACR_TENSORFLOW_DIR`, else the default.
 *
 * @throws {InvalidArgumentError} an empty `dir`: the default was not meant.
 */
export async function tensorFlowFolder(dir?: string): Promise<string> {
  const node = await nodeModules();
  if (dir === "")
    throw new InvalidArgumentError(
      "tensorflow: dir must name a folder; got an empty string. Leave it out for the default.",
    );
  const named = dir ?? process.env.ACR_TENSORFLOW_DIR;
  return named ? node.path.resolve(named) : defaultTensorFlowFolder(node);
}

/** The installation in a folder, or `undefined`. @throws {BackendError} it is damaged. */
export async function readTensorFlowManifest(folder: string): Promise<TensorFlowManifest | undefined> {
  const { fs, path } = await nodeModules();
  const file = path.join(folder, MANIFEST);
  if (!fs.existsSync(file)) return undefined;
  try {
    const manifest = JSON.parse(fs.readFileSync(file, "utf8")) as TensorFlowManifest;
    if (manifest.formatVersion === 1) return manifest;
  } catch {
    // Said below.
  }
  throw new BackendError(`tensorflow: ${file} is damaged or of another version. Run acr backend install tensorflow.`);
}
