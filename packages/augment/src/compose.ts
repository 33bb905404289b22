import { type Affine, type Augmentation, composeAffine, InvalidArgumentError, type PhotometricChange } from "@acr/core";
import { joinPhotometrics } from "./internal/join-photometrics.js";

/**
 * Several augmentations in order. Their geometry becomes one map, so that the picture is resampled once.
 *
 * @throws {InvalidArgumentError} an entry is no augmentation.
 * @example compose([randomFlip(), randomAffine(), colorJitter()]);
 */
export function compose(augmentations: readonly Augmentation[]): Augmentation {
  augmentations.forEach((augmentation, i) => {
    if (typeof augmentation?.draw !== "function")
      throw new InvalidArgumentError(
        `compose: entry ${i} must be an augmentation; got ${typeof augmentation}. Call it, e.g. randomFlip().`,
      );
  });
  return {
    name: "compose",
    options: { augmentations: augmentations.map(({ name, options }) => ({ name, options })) },
    module: () => {
      // Threads can build it where they can build every part, all of one module.
      const modules = new Set(augmentations.map((augmentation) => augmentation.module?.()));
      return modules.size === 1 ? [...modules][0] : undefined;
    },
    draw: (random) => {
      let geometry: Affine | undefined;
      let mirrored = false;
      const photometrics: PhotometricChange[] = [];
      for (const augmentation of augmentations) {
        const drawn = augmentation.draw(random);
        if (drawn.geometry) geometry = geometry ? composeAffine(geometry, drawn.geometry) : drawn.geometry;
        if (drawn.mirrored) mirrored = !mirrored;
        if (drawn.photometric) photometrics.push(drawn.photometric);
      }
      return {
        ...(geometry && { geometry }),
        mirrored,
        ...(photometrics.length > 0 && { photometric: joinPhotometrics(photometrics) }),
      };
    },
  };
}
