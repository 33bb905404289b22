/** Dashes tell lines apart in grey print, where colours cannot. */
export const DASHES: readonly (readonly number[])[] = [[], [7, 4], [2, 3], [9, 3, 2, 3], [12, 4], [4, 2]];

/** Light and dark variants of Okabe and Ito's palette, each with a contrast of at least 3 : 1 against its page. */
export const SERIES_COLORS: readonly { light: string; dark: string }[] = [
  { light: "#0072b2", dark: "#56b4e9" },
  { light: "#c2500a", dark: "#ff9e4a" },
  { light: "#00805d", dark: "#3ddbaa" },
  { light: "#a8487f", dark: "#eaa0c9" },
  { light: "#7a5c00", dark: "#e6c34a" },
  { light: "#5b4fb3", dark: "#b3a9ff" },
];

/** The colour of a series as a CSS variable of the page, with the light variant where there is no page. */
export const seriesColor = (i: number): string => {
  const n = i % SERIES_COLORS.length;
  return `var(--series-${n + 1},${SERIES_COLORS[n]!.light})`;
};
export const seriesDash = (i: number): readonly number[] => DASHES[i % DASHES.length]!;
