export { type BackendDiagnosis, type Diagnosis, doctor } from "./doctor.js";
export { type BackendInfo, type SetupBackendOptions, type SkippedBackend, setupBackend } from "./setup-backend.js";
