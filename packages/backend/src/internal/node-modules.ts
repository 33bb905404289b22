import { importNode } from "./import-node.js";

/**
 * The modules of Node that installing and loading TensorFlow needs. Asked for by name, not imported: a bundle for
 * browsers holds this package, and could not resolve them.
 */
export async function nodeModules() {
  const [{ isRunning, makeFolder }, child, crypto, fs, files, module, os, path, streams, url, zlib] = await Promise.all(
    [
      importNode<typeof import("@acr/core/node")>("@acr/core/node"),
      importNode<typeof import("node:child_process")>("node:child_process"),
      importNode<typeof import("node:crypto")>("node:crypto"),
      importNode<typeof import("node:fs")>("node:fs"),
      importNode<typeof import("node:fs/promises")>("node:fs/promises"),
      importNode<typeof import("node:module")>("node:module"),
      importNode<typeof import("node:os")>("node:os"),
      importNode<typeof import("node:path")>("node:path"),
      importNode<typeof import("node:stream/promises")>("node:stream/promises"),
      importNode<typeof import("node:url")>("node:url"),
      importNode<typeof import("node:zlib")>("node:zlib"),
    ],
  );
  return { child, crypto, fs, files, isRunning, makeFolder, module, os, path, streams, url, zlib };
}

/** What `nodeModules` gives. */
export type NodeModules = Awaited<ReturnType<typeof nodeModules>>;
