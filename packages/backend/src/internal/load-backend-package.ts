import { BackendError } from "@acr/core";

/** Loads a backend's package, which registers it.  @throws {BackendError} it is not installed. */
export async function loadBackendPackage(name: string, load: () => Promise<unknown>): Promise<void> {
  try {
    await load();
  } catch (cause) {
    throw new BackendError(
      `@tensorflow/tfjs-backend-${name} is not installed. Run npm i @tensorflow/tfjs-backend-${name}.`,
      { cause },
    );
  }
}
