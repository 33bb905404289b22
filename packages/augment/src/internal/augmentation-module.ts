/** The built entry of this package; a bundle of something else has no `createAugmentation` to offer. */
const ENTRY = /\/augment\/dist\/index\.c?js$/;

/** URL of this package, from which a thread can build augmentations again; `undefined` in bundles. */
export function augmentationModule(): string | undefined {
  // Bundled to CommonJS, `import.meta` is empty.
  const url = import.meta.url ?? (typeof __filename === "string" ? fileUrl(__filename) : undefined);
  return url !== undefined && ENTRY.test(url) ? url : undefined;
}

/** `pathToFileURL`, without Node: this package also runs in browsers. */
function fileUrl(path: string): string {
  const plain = encodeURI(path.replaceAll("\\", "/")).replaceAll(/[?#]/g, encodeURIComponent);
  return `file://${plain.startsWith("/") ? "" : "/"}${plain}`;
}
