import { StorageError } from "@acr/core";

const REASONS: Record<string, string> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file is larger than this machine allows (ulimit -f)",
  EROFS: "the file system is read-only",
  EACCES: "permission is denied",
  EPERM: "the operation is not permitted",
  ENOTDIR: "a part of the path is a file, not a folder",
  EEXIST: "a part of the path is a file, not a folder",
  // What Node says of a read-only disk when it makes several folders at once, too.
  ENOENT: "its folder is not there and cannot be made (is the disk read-only?)",
  EISDIR: "a folder has that name",
  ENAMETOOLONG: "the name is too long",
  EMFILE: "too many files are open",
  EIO: "the device reports an input/output error",
};

/** An error of the file system in words; any other error as it is. */
export function storageFault(error: unknown, path: string): unknown {
  const reason = REASONS[(error as NodeJS.ErrnoException)?.code ?? ""];
  if (!reason) return error;
  return new StorageError(
    `cannot write ${path}: ${reason}. Files written before are intact; once the cause is gone, continue with --resume.`,
    { cause: error },
  );
}
