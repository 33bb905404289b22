import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { BackendError } from "@acr/core";

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

/** `ACR_TENSORFLOW_DIR`, or a folder in the user's data folder: one copy serves all projects. */
export function tensorFlowFolder(dir: string | undefined = process.env.ACR_TENSORFLOW_DIR): string {
  if (dir) return resolve(dir);
  if (process.platform === "darwin") return join(homedir(), "Library", "Application Support", "acr", "tensorflow");
  return join(process.env.XDG_DATA_HOME || join(homedir(), ".local", "share"), "acr", "tensorflow");
}

/** The installation in a folder, or `undefined`. @throws {BackendError} it is damaged. */
export function readTensorFlowManifest(folder: string): TensorFlowManifest | undefined {
  const file = join(folder, MANIFEST);
  if (!existsSync(file)) return undefined;
  try {
    const manifest = JSON.parse(readFileSync(file, "utf8")) as TensorFlowManifest;
    if (manifest.formatVersion === 1) return manifest;
  } catch {}
  throw new BackendError(
    `tensorflow: ${file} is damaged or of another version. Run acr backend install tensorflow again.`,
  );
}
