/** Turns Ctrl-C and SIGTERM into an abort; the second Ctrl-C ends the process. Call `release` in a `finally`. */
export function stopOnSignals(when: string, { quiet = false } = {}): { signal: AbortSignal; release: () => void } {
  const abort = new AbortController();
  const stop = () => {
    if (abort.signal.aborted) {
      // The progress bar has hidden the cursor and switched off the breaking of lines.
      if (process.stderr.isTTY) process.stderr.write("\u001b[?25h\u001b[?7h\n");
      process.exit(130);
    }
    if (!quiet) process.stderr.write(`\nacr: stopping ${when} …\n`);
    abort.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return {
    signal: abort.signal,
    release: () => {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
    },
  };
}
