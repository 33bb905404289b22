const { existsSync, mkdtempSync } = require("node:fs");
const { rm } = require("node:fs/promises");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const { TestEnvironment } = require("jest-environment-node");

/**
 * Jest runs tests in a second JavaScript realm whose typed arrays differ from Node's own. tfjs and other
 * libraries test with `instanceof`, so both realms must share one set of constructors.
 */
const SHARED = [
  "ArrayBuffer",
  "SharedArrayBuffer",
  "Atomics",
  "DataView",
  "Float32Array",
  "Float64Array",
  "Int8Array",
  "Int16Array",
  "Int32Array",
  "Uint8Array",
  "Uint8ClampedArray",
  "Uint16Array",
  "Uint32Array",
  "BigInt64Array",
  "BigUint64Array",
  "WebAssembly",
  "performance",
];

/** Chromium's software driver for Vulkan: what WebGPU computes on in tests, also where there is a graphics processor. */
const SOFTWARE_DRIVER = "/usr/lib/chromium/vk_swiftshader_icd.json";

module.exports = class RealmEnvironment extends TestEnvironment {
  async setup() {
    // The driver is read by native code, which does not see the sandbox's copy of the environment.
    if (existsSync(SOFTWARE_DRIVER)) process.env.VK_ICD_FILENAMES ??= SOFTWARE_DRIVER;
    await super.setup();
    if (process.env.VK_ICD_FILENAMES) this.global.process.env.VK_ICD_FILENAMES = process.env.VK_ICD_FILENAMES;
    // Temporary folders of a test file lie in one, which is removed behind it.
    this.callersFolder = process.env.TMPDIR;
    this.folder = mkdtempSync(join(tmpdir(), "acr test "));
    process.env.TMPDIR = this.folder;
    this.global.process.env.TMPDIR = this.folder;
    for (const name of SHARED) this.global[name] = globalThis[name];
    // The cpu backend greets every test file with an advertisement; nothing else is held back.
    const { warn } = this.global.console;
    this.global.console.warn = (...message) => {
      if (!String(message[0]).includes("you are running TensorFlow.js in Node.js")) warn(...message);
    };
  }

  async teardown() {
    if (this.callersFolder === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = this.callersFolder;
    // A process that a test has ended may still hold a file for a moment.
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
    await super.teardown();
  }
};
