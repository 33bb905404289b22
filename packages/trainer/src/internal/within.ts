/** Whether a promise settles in time; it is not waited for any longer, and may fail unseen. */
export async function within(milliseconds: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  const settled = work.then(
    () => true,
    () => true,
  );
  const isInTime = await Promise.race([settled, late]);
  clearTimeout(timer);
  return isInTime;
}

/** How long saying goodbye to a server may take: it may have gone at that very moment. */
export const GOODBYE_MS = 3000;
