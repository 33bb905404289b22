import {
  AcrError,
  BackendError,
  DataFormatError,
  DivergenceError,
  InvalidArgumentError,
  ShapeError,
  StorageError,
} from "./index.js";

const errors = [
  { error: new ShapeError("a"), type: ShapeError, code: "ACR_SHAPE", name: "ShapeError" },
  {
    error: new InvalidArgumentError("b"),
    type: InvalidArgumentError,
    code: "ACR_INVALID_ARGUMENT",
    name: "InvalidArgumentError",
  },
  {
    error: new DataFormatError("c", { file: "x" }),
    type: DataFormatError,
    code: "ACR_DATA_FORMAT",
    name: "DataFormatError",
  },
  { error: new BackendError("d"), type: BackendError, code: "ACR_BACKEND", name: "BackendError" },
  { error: new StorageError("e"), type: StorageError, code: "ACR_STORAGE", name: "StorageError" },
  { error: new DivergenceError("f"), type: DivergenceError, code: "ACR_DIVERGENCE", name: "DivergenceError" },
];

describe.each(errors)("$name", ({ error, type, code, name }) => {
  it("is an AcrError with its code and name", () => {
    expect(error).toBeInstanceOf(AcrError);
    expect(AcrError.isInstance(error)).toBe(true);
    expect(error.code).toBe(code);
    expect(error.name).toBe(name);
  });

  it("isInstance(error) knows its own kind only", () => {
    for (const other of errors) expect(type.isInstance(other.error)).toBe(other.error === error);
    expect(type.isInstance(new Error("plain"))).toBe(false);
    expect(type.isInstance(undefined)).toBe(false);
  });
});

it("isInstance(error) knows errors of another copy of this package", () => {
  // A second copy has classes of its own; only the marker and the code are shared.
  const foreign = Object.assign(new Error("x"), { code: "ACR_SHAPE", [Symbol.for("acr.error")]: true });
  expect(foreign).not.toBeInstanceOf(AcrError);
  expect(ShapeError.isInstance(foreign)).toBe(true);
});

it("new DataFormatError(message, { file, line, cause }) starts with file:line and keeps the cause", () => {
  const cause = new Error("inner");
  const error = new DataFormatError("expected 68 points.", { file: "a.pts", line: 3, cause });
  expect(error.message).toBe("a.pts:3: expected 68 points.");
  expect([error.file, error.line, error.cause]).toEqual(["a.pts", 3, cause]);
  expect(new DataFormatError("empty.", { file: "b.pts" }).message).toBe("b.pts: empty.");
});
