import { StorageError } from "./index.js";
import { storageFault } from "./storage-fault.js";

const fault = (code: string) => Object.assign(new Error(code), { code });

it("storageFault(error, path) says in words why the file system refused, and keeps the error as the cause", () => {
  const cause = fault("ENOSPC");
  const error = storageFault(cause, "runs/a") as StorageError;
  expect(StorageError.isInstance(error)).toBe(true);
  expect(error.message).toBe("cannot write runs/a: the disk is full.");
  expect(error.cause).toBe(cause);
  const options = { what: "cannot read b", hint: "Try again." };
  expect((storageFault(fault("EACCES"), "b", options) as Error).message).toBe(
    "cannot read b: permission is denied. Try again.",
  );
});

it("storageFault(error, path) gives any other error back as it is", () => {
  for (const error of [new TypeError("x"), fault("EWHAT"), new StorageError("said already"), undefined, "text"])
    expect(storageFault(error, "a")).toBe(error);
});
