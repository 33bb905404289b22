/** Options of `installTensorFlow`. */
export interface InstallTensorFlowOptions {
  /** The wheel for NVIDIA GPUs with its CUDA 12 libraries, about 3 GB; Linux x64. Default false. */
  cuda?: boolean;
  /**
   * A wheel, or a folder with the wheel and any of the npm tarballs and CUDA wheels, instead of a download. Default: pip
   * and npm download.
   */
  from?: string;
  /** Where to. Default: `ACR_TENSORFLOW_DIR`, else `acr/tensorflow` in the user's data folder. */
  dir?: string;
  /** The wheel's sha256, for one whose hash is not built in. */
  sha256?: string;
  /** The Python whose pip downloads. Default: `python3`, then `python`. */
  python?: string;
  /** Told before each step. */
  onProgress?: (message: string) => void;
  /** Stops and leaves nothing behind. */
  signal?: AbortSignal;
}

/** What `installTensorFlow` found or made. */
export interface TensorFlowInstallation {
  /** `package`: an installed @tensorflow/tfjs-node or -gpu works and is used as it is. */
  source: "installed" | "package";
  dir: string;
  /** Version of the library, as it says itself. */
  tensorflow: string;
  cuda: boolean;
  /** Whether the check ran on a GPU. */
  gpu: boolean;
}

/**
 * Puts the `tensorflow` backend of tfjs on a current TensorFlow: takes the C++ libraries out of the Python wheel, links
 * tfjs-node's binding to them, and trains a step with it in a process of its own. No Python runs afterwards.
 *
 * Works in a folder beside `dir` and moves it there at the end: a fault leaves nothing, and an older installation stays.
 * Where @tensorflow/tfjs-node (with `cuda`: -gpu on a GPU) is installed and works, that is used and nothing is made.
 * Node only; Linux x64 and arm64, macOS arm64 (written for its wheel's layout, not tried).
 *
 * @throws {BackendError} a wrong hash, no compiler, pip or network, a full disk, a wheel for another platform, a driver
 *   too old, or a failed check; the message names the next step.
 * @throws {InvalidArgumentError} an unknown option.
 * @example const { dir, gpu } = await installTensorFlow({ cuda: true });
 */
export async function installTensorFlow(options: InstallTensorFlowOptions = {}): Promise<TensorFlowInstallation> {
  const { install } = await import("./internal/install.js");
  return install(options);
}
