/** What WebGPU says of an adapter. */
export interface AdapterInfo {
  vendor?: string;
  architecture?: string;
  device?: string;
  description?: string;
  /** Newer Dawn and Chromium say it themselves. */
  isFallbackAdapter?: boolean;
}

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|software|basic render/i;

/** Its name for people, e.g. `google swiftshader SwiftShader driver 5.0.0`, and whether it computes on the CPU. */
export function describeAdapter(info: AdapterInfo | undefined): { name: string; isSoftware: boolean } {
  const { vendor, architecture, description, isFallbackAdapter } = info ?? {};
  const name = [vendor, architecture, description].filter(Boolean).join(" ") || "adapter without a name";
  return { name, isSoftware: isFallbackAdapter === true || SOFTWARE.test(name) };
}

/** Why a software driver is not taken by itself. */
export const softwareReason = (name: string): string =>
  `webgpu's only adapter, ${name}, computes on the CPU, where wasm is many times faster. It is used where it is asked for by name.`;

/** What is said where no adapter answers in Node. */
export const NO_ADAPTER =
  "WebGPU finds no graphics adapter. On Linux install libvulkan1 and a Vulkan driver (NVIDIA's, or mesa-vulkan-drivers); VK_ICD_FILENAMES names another one.";

/** What is said where the package is absent in Node. */
export const NO_PACKAGE = "webgpu is not installed. Run npm i webgpu @tensorflow/tfjs-backend-webgpu.";
