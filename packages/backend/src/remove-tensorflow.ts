/** Options of `removeTensorFlow`. */
export interface RemoveTensorFlowOptions {
  /** Default: `ACR_TENSORFLOW_DIR`, else `acr/tensorflow` in the user's data folder. */
  dir?: string;
}

/**
 * Removes what `installTensorFlow` made. A folder that it did not make is left alone.
 *
 * @returns the folder, and whether there was anything in it.
 * @throws {BackendError} the folder holds something else.
 * @example await removeTensorFlow();
 */
export async function removeTensorFlow(
  options: RemoveTensorFlowOptions = {},
): Promise<{ dir: string; removed: boolean }> {
  const { remove } = await import("./internal/install.js");
  return remove(options);
}
