import { StorageError } from "./storage-error.js";

const REASONS: Record<string, string> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file is larger than this machine allows (ulimit -f)",
  EROFS: "the file system is read-only",
  EACCES: "permission is denied",
  EPERM: "the operation is not permitted",
  ENOTDIR: "a part of the path is a file, not a folder",
  EEXIST: "a file, or a link to nothing, has that name",
  ENOENT: "its folder is not there and cannot be made",
  EISDIR: "a folder has that name",
  ELOOP: "its links go round in a circle",
  ENAMETOOLONG: "the name is too long",
  EMFILE: "too many files are open",
  EIO: "the device reports an input/output error",
};

/**
 * An error of the file system in words; any other error as it is.
 *
 * @param options.what - what could not be done. Default `cannot write PATH`.   @param options.hint - a sentence to end with.
 * @returns a `StorageError` with the error as its cause, or the error itself.
 * @example await writeFile(path, text).catch((error) => { throw storageFault(error, path); });
 */
export function storageFault(
  error: unknown,
  path: string,
  { what = `cannot write ${path}`, hint = "" }: { what?: string; hint?: string } = {},
): unknown {
  const reason = REASONS[(error as { code?: string } | undefined)?.code ?? ""];
  if (!reason) return error;
  return new StorageError(`${what}: ${reason}.${hint && ` ${hint}`}`, { cause: error });
}
