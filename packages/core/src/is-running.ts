/**
 * Whether a process runs on this machine, also one of somebody else's.
 *
 * @param processId - as `process.pid` gives it.
 * @example isRunning(process.pid); // true
 */
export function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    // Somebody else's process answers EPERM.
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
