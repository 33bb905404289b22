/** Channels as multiples of 8, never more than 10 % below the wish (as the papers' reference code does). */
export function roundChannels(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}
