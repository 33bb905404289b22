import { storageFault as inWords } from "@acr/core/node";

/** Ends errors of a run: what it wrote before is good. */
export const RESUME_HINT = "Files written before are intact; once the cause is gone, continue with --resume.";

/** An error of the file system in words; any other error as it is. */
export const storageFault = (error: unknown, path: string): unknown => inWords(error, path, { hint: RESUME_HINT });
