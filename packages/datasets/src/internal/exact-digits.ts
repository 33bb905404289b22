/** More digits than a double has: they tell that the one of one-based text is to be taken off in decimal. */
export const EXACT_DIGITS = 20;
