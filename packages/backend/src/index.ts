export { type BackendInfo, type SetupBackendOptions, type SkippedBackend, setupBackend } from "./setup-backend.js";
