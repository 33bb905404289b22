import type { TrialOutcome } from "../sweep-event.js";
import type { SweepTrial } from "../sweep-plan.js";

/** The queue where nothing else is said. */
export const SWEEP_QUEUE = "acr-sweep";

/** What travels through the queue. */
export interface QueuedTrial {
  folder: string;
  trial: SweepTrial;
  untilEpoch: number;
  /** Address of the store, where the folder is not shared. */
  store?: string;
}

/** What a worker hands back. */
export interface QueuedOutcome {
  outcome: TrialOutcome;
  worker: string;
}
