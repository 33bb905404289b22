import { main } from "./main.js";

/** Runs `acr …` in this process and gathers what it prints. */
async function acr(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const printed = { out: "", err: "" };
  const stdout = jest.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed.out += text;
    return true;
  });
  const stderr = jest.spyOn(process.stderr, "write").mockImplementation((text) => {
    printed.err += text;
    return true;
  });
  try {
    return { code: await main(args), ...printed };
  } finally {
    stdout.mockRestore();
    stderr.mockRestore();
  }
}

/** The commands that `acr --help` lists, nested ones as `data inspect`. */
async function commandNames(): Promise<string[]> {
  /** Names in the list of a help page. */
  const listed = (help: string) => {
    const [, list = ""] = help.split(/^Commands:$/m);
    return [...list.split("\n\n")[0]!.matchAll(/^ {2}(\w+)/gm)]
      .map(([, name]) => name!)
      .filter((name) => name !== "help");
  };
  const names: string[] = [];
  for (const name of listed((await acr("--help")).out)) {
    const nested = listed((await acr(name, "--help")).out);
    names.push(...(nested.length > 0 ? nested.map((child) => `${name} ${child}`) : [name]));
  }
  return names;
}

it("lists the commands of the project", async () => {
  const names = await commandNames();
  for (const name of [
    "doctor",
    "backend install",
    "backend remove",
    "bench",
    "data inspect",
    "train",
    "evaluate",
    "predict",
    "report",
    "weights inspect",
  ])
    expect(names).toContain(name);
});

it("has a help page with an example for every command", async () => {
  for (const name of await commandNames()) {
    const { code, out, err } = await acr(...name.split(" "), "--help");
    expect({ name, code, err }).toEqual({ name, code: 0, err: "" });
    expect(out).toMatch(new RegExp(`Examples?:[\\s\\S]*acr ${name}`));
  }
});

it("prints its version", async () => {
  expect(await acr("--version")).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});

afterEach(() => delete process.env.ACR_GPU);

it.each([
  { args: ["trian"], says: /unknown command 'trian' \(Did you mean train\?\)/ },
  { args: ["train", "--epoch", "3"], says: /unknown option '--epoch' \(Did you mean --epochs\?\)/ },
  { args: ["train", "--epochs", "many"], says: /--epochs <n>' argument 'many' is invalid/ },
  { args: ["train", "--resume"], says: /--resume needs --out/ },
  { args: ["train", "--set", "epochs"], says: /--set expects path=value/ },
  { args: ["train", "--set", "epoch=3"], says: /did you mean epochs\?/i },
  { args: ["train", "missing.json"], says: /missing\.json/ },
  { args: ["backend", "install", "torch"], says: /unknown backend "torch"; expected tensorflow/ },
  { args: ["backend", "remove", "torch"], says: /unknown backend "torch"; expected tensorflow/ },
  { args: ["backend", "install", "tensorflow", "--cude"], says: /unknown option '--cude' \(Did you mean --cuda\?\)/ },
  { args: ["train", "--out", ""], says: /folder \(--out\) must be a path; got "".*say "\."/ },
  { args: ["train", "--gpu", "7", "--backend", "wasm"], says: /--gpu 7 cannot be used with the backend "wasm"/ },
  { args: ["train", "--gpu", "-1"], says: /--gpu <n>' argument '-1' is invalid/ },
  { args: ["bench", "--gpu", "0", "--backend", "wasm"], says: /gpu needs the tensorflow or the webgpu backend/ },
  { args: ["train", "--wide", "--backend", "cpu"], says: /--wide is for the backend "wasm"; got the backend "cpu"/ },
  { args: ["bench", "--wide", "--backend", "cpu"], says: /wideRegisters needs the wasm backend; got prefer cpu/ },
  { args: ["train", "--wide", "--gpu", "0"], says: /option '--gpu <n>' cannot be used with option '--wide'/ },
  { args: ["bench", "--mode", "fast"], says: /Allowed choices are train, infer/ },
  { args: ["evaluate"], says: /required option '--run/ },
  { args: ["data", "inspect", "--dataset", "300w"], says: /root/ },
  { args: ["data", "inspect", "--dataset", "mnist"], says: /dataset.*300w/ },
])("acr $args ends with code 2 and one line on stderr", async ({ args, says }) => {
  const { code, out, err } = await acr(...args);
  expect(code).toBe(2);
  expect(out).toBe("");
  expect(err.trimEnd()).toMatch(says);
  expect(err.trimEnd().split("\n")).toHaveLength(1);
});
