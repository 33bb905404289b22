import type { SavedLayer } from "./keras-saved-layers.js";

let fileCounter = 0;

/** The bytes of a Keras 3 `.weights.h5`: `layers/<class>_<i>/vars/<j>`, the layer's own name as an attribute of `vars`. */
export async function writeKerasH5(saved: readonly SavedLayer[]): Promise<Uint8Array> {
  const h5wasm = await import("h5wasm");
  const { FS, activate_throwing_error_handler } = await h5wasm.ready;
  activate_throwing_error_handler();
  const path = `/acr-out-${fileCounter++}.h5`;
  const file = new h5wasm.File(path, "w");
  let isOpen = true;
  try {
    file.create_group("vars");
    const root = file.create_group("layers");
    for (const { group, name, arrays } of saved) {
      const vars = root.create_group(group).create_group("vars");
      vars.create_attribute("name", name);
      for (const [i, { shape, data }] of arrays.entries()) {
        const dtype = data instanceof Float32Array ? "<f" : "<q";
        vars.create_dataset({ name: String(i), data, shape, dtype });
      }
    }
    // What is not closed is not written.
    file.close();
    isOpen = false;
    return new Uint8Array(FS.readFile(path));
  } finally {
    if (isOpen) file.close();
    FS.unlink(path);
  }
}
