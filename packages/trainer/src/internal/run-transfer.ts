import { readdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { makeFolder } from "@acr/core/node";
import type { RunStore } from "../run-store.js";
import { writeFileAtomically } from "./write-file-atomically.js";

const isCheckpoint = (name: string) => name.startsWith("checkpoint/");

/** Copies a run between a folder and a store; sends only what has changed since the last time. */
export class RunTransfer {
  private readonly sent = new Map<string, string>();

  constructor(
    private readonly store: RunStore,
    /** Where the run lies in the store. */
    private readonly key: string,
    private readonly folder: string,
  ) {}

  /** Checkpoints go last: when one has arrived, all that belongs to it is there. */
  async upload(): Promise<void> {
    const entries = await readdir(this.folder, { recursive: true, withFileTypes: true });
    const names = entries
      .filter((entry) => entry.isFile() && !entry.name.endsWith(".tmp"))
      .map((entry) => relative(this.folder, join(entry.parentPath ?? entry.path, entry.name)).replaceAll(sep, "/"))
      .sort((a, b) => Number(isCheckpoint(a)) - Number(isCheckpoint(b)) || (a < b ? -1 : 1));
    for (const name of names) {
      const file = join(this.folder, name);
      const { mtimeMs, size, ino } = await stat(file);
      const state = `${mtimeMs} ${size} ${ino}`;
      if (this.sent.get(name) === state) continue;
      await this.store.put(`${this.key}/${name}`, await readFile(file));
      this.sent.set(name, state);
    }
  }

  /**
   * Replaces the folder by what the store holds.
   *
   * @param options.checkpoints - false leaves them in the store: they are big, and of no use once a run is over.
   * @returns whether the store held anything.
   */
  async download({ checkpoints = true } = {}): Promise<boolean> {
    const keys = await this.store.list(`${this.key}/`);
    await rm(this.folder, { recursive: true, force: true });
    for (const key of keys) {
      const name = key.slice(this.key.length + 1);
      if (!checkpoints && isCheckpoint(name)) continue;
      const bytes = await this.store.get(key);
      if (bytes === undefined) continue;
      const file = join(this.folder, name);
      await makeFolder(dirname(file));
      await writeFileAtomically(file, [bytes]);
    }
    return keys.length > 0;
  }
}
