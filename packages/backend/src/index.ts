export { type BackendDiagnosis, type Diagnosis, type DoctorOptions, doctor } from "./doctor.js";
export {
  type InstallTensorFlowOptions,
  installTensorFlow,
  type TensorFlowInstallation,
} from "./install-tensorflow.js";
export { type RemoveTensorFlowOptions, removeTensorFlow } from "./remove-tensorflow.js";
export { type BackendInfo, type SetupBackendOptions, type SkippedBackend, setupBackend } from "./setup-backend.js";
