import type { TrainingKernels } from "@acr/kernels";
import type { BackendInfo } from "../setup-backend.js";

/** How an engine is to be started. */
export interface Wishes {
  threads: number;
  gpu: number | undefined;
  wideRegisters: boolean;
  /** Whether the user left the choice to us. */
  isDefault: boolean;
}

/** An engine that runs, with its kernels. */
export interface Started {
  info: Omit<BackendInfo, "skipped">;
  kernels: TrainingKernels;
}

/** The `gpu` that stands for none. */
export const NO_GPU = -1;
