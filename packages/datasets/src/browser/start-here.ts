import { InvalidArgumentError } from "@acr/core";
import { LocalRunner } from "../internal/local-runner.js";
import type { Platform } from "../internal/make-loader.js";

/** A browser has no `worker_threads`; its data sets decode their pictures themselves. */
export function startHere(functionName: string, options: object): Platform {
  for (const name of ["workers", "decoder"])
    if (options && Object.hasOwn(options, name))
      throw new InvalidArgumentError(
        `${functionName}: ${name} is for Node; the browser decodes by itself. Leave it out.`,
      );
  const { augment } = options as { augment?: ConstructorParameters<typeof LocalRunner>[1] };
  return {
    start: () =>
      new LocalRunner((source) => {
        if (source.kind !== "pixels")
          throw new InvalidArgumentError(`${functionName}: the data set must come from openFiles or hold its pixels.`);
        return source.image;
      }, augment),
  };
}
