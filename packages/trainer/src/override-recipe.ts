/** What a recipe that names none is trained with. */
const DEFAULT_LOSS = "acr";

/**
 * A recipe with some of its fields replaced. Another `loss` leaves the options of the one before behind, so that a loss is swapped in one line.
 *
 * @param recipe - as read from a file; not checked, `parseRecipe` does that.   @param fields - whole fields; `undefined` leaves the recipe's.
 * @example
 * overrideRecipe({ loss: "acr", lossOptions: { scale: 10 } }, { loss: "l2" }); // { loss: "l2" }
 */
export function overrideRecipe(recipe: object, fields: object): Record<string, unknown> {
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  const { loss, lossOptions, ...rest } = recipe as Record<string, unknown>;
  const isSameLoss = given.loss === undefined || given.loss === (loss ?? DEFAULT_LOSS);
  return {
    ...rest,
    ...(loss !== undefined && { loss }),
    ...(isSameLoss && lossOptions !== undefined && { lossOptions }),
    ...given,
  };
}
