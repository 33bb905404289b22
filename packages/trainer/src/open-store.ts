import { resolve } from "node:path";
import { InvalidArgumentError } from "@acr/core";
import { createFolderStore } from "./create-folder-store.js";
import { createS3Store } from "./create-s3-store.js";
import type { RunStore } from "./run-store.js";

/**
 * A store by its address: `s3://bucket/prefix`, or a folder.
 *
 * @throws {InvalidArgumentError} another kind of address, or the package for S3 is not installed.
 * @example const store = await openStore("s3://training/losses");
 */
export async function openStore(address: string): Promise<RunStore> {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]+):\/\/(.*)$/i.exec(address) ?? [];
  if (scheme === undefined) {
    if (address.trim() === "") throw new InvalidArgumentError("openStore: the address of the store is empty.");
    return createFolderStore(resolve(address));
  }
  const [bucket = "", ...prefix] = rest!.split("/");
  if (scheme.toLowerCase() !== "s3" || bucket === "")
    throw new InvalidArgumentError(
      `openStore: the address of a store must be s3://bucket/prefix or a folder; got "${address}".`,
    );
  return createS3Store({ bucket, prefix: prefix.join("/") });
}
