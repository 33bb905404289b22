import { BackendError } from "@acr/core";
import { ready, setBackend } from "@tensorflow/tfjs-core";

/** Makes a registered backend the one in use.  @throws {BackendError} it does not start. */
export async function activateBackend(name: string): Promise<void> {
  if (!(await setBackend(name))) throw new BackendError(`the ${name} backend did not start.`);
  await ready();
}
