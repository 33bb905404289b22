import type { PhotometricChange, PixelChange, RgbImage } from "@acr/core";
import { type Deferrable, kindOf } from "./deferrable.js";
import { applyToneChanges, isToneChange, joinToneChanges, type ToneChange } from "./tone-change.js";

/** A joined draw; one within another is taken apart again. */
interface Joined extends PhotometricChange {
  readonly parts: readonly PhotometricChange[];
}

const isJoined = (photometric: PhotometricChange): photometric is Joined => "parts" in photometric;

/** Several photometric draws in order, as one. */
export function joinPhotometrics(photometrics: readonly PhotometricChange[]): PhotometricChange {
  const parts = photometrics.flatMap((photometric) => (isJoined(photometric) ? photometric.parts : [photometric]));
  const start = startOfRest(parts);
  const defer = (image: RgbImage): PixelChange => {
    applyAll(image, parts.slice(0, start));
    const rest = parts.slice(start);
    const levels = joinToneChanges(image, rest.filter(isToneChange));
    const others = rest.filter((part) => !isToneChange(part)) as Deferrable[];
    return Object.assign(levels ? { levels } : {}, ...others.map((part) => part.defer(image)));
  };
  return Object.assign((image: RgbImage) => applyAll(image, parts), { parts, defer });
}

/** Where the longest end begins that a device can make: any number of tone changes, grey once, a block once. */
function startOfRest(parts: readonly PhotometricChange[]): number {
  let start = parts.length;
  const takes = (kind: string) => start > 0 && kindOf(parts[start - 1]!) === kind;
  if (takes("block")) start--;
  if (takes("grey")) start--;
  while (takes("tones")) start--;
  return start;
}

/** In order; neighbours that only bend the tones are done in one pass. */
function applyAll(image: RgbImage, photometrics: readonly PhotometricChange[]): void {
  let tones: ToneChange[] = [];
  for (const photometric of photometrics) {
    if (isToneChange(photometric)) {
      tones.push(photometric);
      continue;
    }
    applyToneChanges(image, tones);
    tones = [];
    photometric(image);
  }
  applyToneChanges(image, tones);
}
