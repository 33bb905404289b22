/** A picture or label file: a file of an `<input type="file">` or of a drop, a blob with a name, or an address. */
export type FileSource = File | { name: string; blob: Blob } | { name: string; url: string | URL } | string | URL;

/** Name of a source, for messages and to pair pictures with labels: the path within a chosen folder, or the last part of an address. */
export function nameOfSource(source: FileSource): string {
  if (typeof source === "string" || source instanceof URL) {
    const { pathname } = new URL(source, globalThis.location?.href ?? "file:///");
    return decodeURIComponent(pathname.slice(pathname.lastIndexOf("/") + 1));
  }
  if ("webkitRelativePath" in source && source.webkitRelativePath !== "") return source.webkitRelativePath;
  return source.name;
}
