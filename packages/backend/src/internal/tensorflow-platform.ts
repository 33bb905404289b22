import { installFault } from "./install-work.js";

/** The wheel that fits a machine. */
export interface TensorFlowPlatform {
  package: "tensorflow" | "tensorflow-cpu";
  /** Of the wheel's name. */
  tag: RegExp;
  /** For messages. */
  name: string;
  /** What pip calls it, best first. */
  pipPlatforms: string[];
}

/**
 * The wheel for this machine.
 *
 * @throws {BackendError} there is none whose libraries can be linked to; the message says what to use instead.
 */
export function tensorFlowPlatform(
  cuda: boolean,
  { platform, arch }: { platform: string; arch: string } = process,
): TensorFlowPlatform {
  if (cuda && !(platform === "linux" && arch === "x64"))
    throw installFault(
      `the CUDA wheel exists for Linux x64 only; this is ${platform} ${arch}. Leave out cuda${platform === "win32" ? ", or use WSL 2" : ""}.`,
    );
  if (platform === "linux" && arch === "x64")
    return {
      package: cuda ? "tensorflow" : "tensorflow-cpu",
      tag: /manylinux.*_x86_64/,
      name: "Linux x86_64",
      pipPlatforms: ["manylinux_2_17_x86_64", "manylinux2014_x86_64"],
    };
  if (platform === "linux" && arch === "arm64")
    return {
      package: "tensorflow",
      tag: /manylinux.*_aarch64/,
      name: "Linux aarch64",
      pipPlatforms: ["manylinux_2_17_aarch64", "manylinux2014_aarch64"],
    };
  if (platform === "darwin" && arch === "arm64")
    return { package: "tensorflow", tag: /macosx.*_arm64/, name: "macOS arm64", pipPlatforms: ["macosx_12_0_arm64"] };
  throw installFault(
    platform === "win32"
      ? "TensorFlow's wheels for Windows hold no C library to link to. Use WSL 2, or the wasm backend."
      : `there is no wheel to link to for ${platform} ${arch}. Use the wasm backend.`,
  );
}
