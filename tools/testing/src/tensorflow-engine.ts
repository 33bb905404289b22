import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import * as core from "@tensorflow/tfjs-core";

/**
 * Registers the tensorflow backend where `acr backend install tensorflow` has put it.
 *
 * @returns `["tensorflow"]`, for lists of backends, or `[]`, with a message, where it is absent.
 */
export function tensorFlowEngine(): string[] {
  const data = process.env.XDG_DATA_HOME ?? join(homedir(), ".local", "share");
  const engine = join(process.env.ACR_TENSORFLOW_DIR ?? join(data, "acr", "tensorflow"), "engine.cjs");
  if (!existsSync(engine)) {
    console.warn("TensorFlow is not installed (acr backend install tensorflow): its tests are skipped.");
    return [];
  }
  if (!("tensorflow" in core.engine().registryFactory)) createRequire(import.meta.url)(engine)(core);
  return ["tensorflow"];
}
