export { childProcesses, type ProgramEnd } from "./child-processes.js";
export { findChromium, runPage } from "./chromium.js";
export { dataFolder } from "./data-folder.js";
export { expectNoTensorLeak } from "./expect-no-tensor-leak.js";
export { goldenFolder } from "./golden-folder.js";
export { tensorFlowEngine } from "./tensorflow-engine.js";
export { tolerance } from "./tolerance.js";
export { webGpuEngine } from "./web-gpu-engine.js";
