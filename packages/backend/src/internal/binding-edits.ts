import { type InstallWork, installFault } from "./install-work.js";
import type { NodeModules } from "./node-modules.js";
import { packageUrl } from "./resolve-tfjs-node.js";

/** What is done to the binding's source of one version of tfjs-node before it is compiled. */
export interface BindingEdits {
  /** Whose C++ files are added to it; relative to this package. */
  folder: string;
  /** By file: a text that occurs once, and what takes its place. The file gets a line that says so. */
  replacements: Readonly<Record<string, readonly (readonly [string, string])[]>>;
}

const CALL = "  return backend->ExecuteOp(env, args[0], args[1], args[2], args[3]);";
const ARGUMENTS = (count: number) => `  size_t argc = ${count};
  napi_value args[${count}];
  napi_value js_this;
  nstatus = napi_get_cb_info(env, info, &argc, args, &js_this, nullptr);
  ENSURE_NAPI_OK_RETVAL(env, nstatus, nullptr);

  if (argc < 4) {
    NAPI_THROW_ERROR(env,
                     "Invalid number of args passed to executeOp(). Expecting "`;

/** Operations that wait for their inputs, in tfjs-node 4.22.0 (Apache-2.0). */
export const QUEUE_EDITS: BindingEdits = {
  folder: "native",
  replacements: {
    "tfjs_backend.h": [
      ["#include <node_api.h>\n", '#include <node_api.h>\n#include "acr_handle_map.h"\n'],
      [
        "  std::unordered_map<int32_t, TFE_TensorHandle *> tfe_handle_map_;\n",
        "  acr::HandleMap tfe_handle_map_;\n  int queue_threads_ = 2;\n",
      ],
      [
        " private:\n  TFJSBackend(napi_env env);\n",
        `  // As ExecuteOp, for operations whose results are floats: they run later, on other threads.
  // - output_shapes (array of number[], or of anything else where nobody asks for the shape)
  // - fallback (which input the output is if the operation fails; -1: none)
  napi_value EnqueueOp(napi_env env, napi_value op_name_value, napi_value op_attr_inputs,
                       napi_value input_tensor_ids, napi_value output_shapes, int32_t fallback);

  // Waits for tensors; throws what went wrong on the way to one of them.
  // - tensor_ids (array of tensor IDs)
  void AwaitTensors(napi_env env, napi_value tensor_ids);

 private:
  TFJSBackend(napi_env env);
  napi_value TryEnqueueOp(napi_env env, napi_value op_name_value, napi_value op_attr_inputs,
                          napi_value input_tensor_ids, napi_value output_shapes, int32_t fallback);
`,
      ],
    ],
    "tfjs_backend.cc": [
      ['#include "napi_auto_ref.h"\n', '#include "acr_reference.h"\n#include "napi_auto_ref.h"\n'],
      // Each worker thread of Node has a backend of its own.
      ["static std::set<std::string> ATTR_NAME_SET;\n", "static thread_local std::set<std::string> ATTR_NAME_SET;\n"],
      [
        "  for (auto &kv : tfe_handle_map_) {\n    TFE_DeleteTensorHandle(kv.second);\n  }\n",
        "  tfe_handle_map_.Clear();\n  acr::ReleaseDeferred(true);\n",
      ],
      [
        "    : next_tensor_id_(0), next_savedmodel_id_(0) {\n",
        `    : next_tensor_id_(0), next_savedmodel_id_(0) {
  tfe_handle_map_.Use(env);
  const char *threads = getenv("TF_NUM_INTRAOP_THREADS");
  if (threads != nullptr && strcmp(threads, "1") == 0) queue_threads_ = 1;
`,
      ],
      // The map's tensors delete themselves.
      [
        "  TFE_DeleteTensorHandle(tensor_entry->second);\n  tfe_handle_map_.erase(tensor_entry);\n",
        "  tfe_handle_map_.erase(tensor_entry);\n",
      ],
      [
        "  ENSURE_NAPI_OK(env, napi_get_value_int32(env, tensor_id_value, &tensor_id));\n",
        "  ENSURE_NAPI_OK(env, napi_get_value_int32(env, tensor_id_value, &tensor_id));\n  if (tfe_handle_map_.Forget(tensor_id)) return;\n",
      ],
      [
        "  if (auto_ref->Cleanup() != napi_ok) {\n",
        "  if (acr::Defer(auto_ref)) return;\n  if (auto_ref->Cleanup() != napi_ok) {\n",
      ],
      [
        "  NapiAutoRef *auto_ref = new NapiAutoRef();\n",
        "  acr::ReleaseDeferred();\n  NapiAutoRef *auto_ref = new acr::Reference();\n",
      ],
    ],
    "tfjs_binding.cc": [
      [ARGUMENTS(4), ARGUMENTS(6)],
      [
        CALL,
        `  // The shapes of what comes out: it may come later.
  bool has_shapes = false;
  if (argc > 4 && !backend->is_gpu_device) {
    nstatus = napi_is_array(env, args[4], &has_shapes);
    ENSURE_NAPI_OK_RETVAL(env, nstatus, nullptr);
  }
  if (has_shapes) {
    int32_t fallback = -1;
    if (argc > 5) {
      nstatus = napi_get_value_int32(env, args[5], &fallback);
      ENSURE_NAPI_OK_RETVAL(env, nstatus, nullptr);
    }
    return backend->EnqueueOp(env, args[0], args[1], args[2], args[4], fallback);
  }
${CALL}`,
      ],
      [
        "static napi_value IsUsingGPUDevice(",
        `static napi_value AwaitTensors(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value args[1];
  napi_status nstatus = napi_get_cb_info(env, info, &argc, args, nullptr, nullptr);
  ENSURE_NAPI_OK_RETVAL(env, nstatus, nullptr);
  ENSURE_VALUE_IS_ARRAY_RETVAL(env, args[0], nullptr);
  TFJSBackend *const backend = GetTFJSBackend(env);
  if (backend) backend->AwaitTensors(env, args[0]);
  return nullptr;
}

static napi_value IsUsingGPUDevice(`,
      ],
      [
        '      {"loadSavedModel", ',
        '      {"awaitTensors", nullptr, AwaitTensors, nullptr, nullptr, nullptr,\n       napi_default, nullptr},\n      {"loadSavedModel", ',
      ],
    ],
  },
};

/** What an edited file begins with (Apache-2.0, section 4b). */
const NOTICE =
  "// This file was changed by @acr/backend: operations wait in a queue for their inputs (acr_*.h, acr_*.cc).\n";

/**
 * Edits the unpacked binding.
 *
 * @returns the source files to compile.  @throws {BackendError} a file is not as it was when the edits were written.
 */
export async function editBinding({ node, release }: InstallWork, tfjsNode: string): Promise<string[]> {
  const { files, path } = node;
  const folder = path.join(tfjsNode, "binding");
  const sources = addedFiles(node, release.edits);
  for (const [name, replacements] of Object.entries(release.edits.replacements)) {
    const file = path.join(folder, name);
    let text = await files.readFile(file, "utf8");
    for (const [before, after] of replacements) {
      const parts = text.split(before);
      if (parts.length !== 2)
        throw installFault(
          `${name} of ${release.tfjsNode.name}@${release.tfjsNode.version} is not as expected; ${JSON.stringify(before.trim().split("\n")[0])} must occur once, it occurs ${parts.length - 1} times. Use the version that this package names.`,
        );
      text = parts.join(after);
    }
    await files.writeFile(file, NOTICE + text);
  }
  for (const source of sources) await files.copyFile(source, path.join(folder, path.basename(source)));
  return ["tfjs_backend.cc", "tfjs_binding.cc", ...sources.filter((source) => source.endsWith(".cc"))].map((source) =>
    path.join(folder, path.basename(source)),
  );
}

/** The files that are added, out of the package as it is installed: a bundle of it has no such files. */
function addedFiles(node: NodeModules, { folder }: BindingEdits): string[] {
  const { fs, module, path } = node;
  try {
    const manifest = module.createRequire(packageUrl(node)).resolve("@acr/backend/package.json");
    const from = path.resolve(path.dirname(manifest), folder);
    return fs
      .readdirSync(from)
      .filter((name) => /\.(h|cc)$/.test(name))
      .map((name) => path.join(from, name));
  } catch (cause) {
    throw installFault(
      `the C++ files of @acr/backend are not there (${(cause as Error).message}). Install the package with npm; a bundle does not hold them.`,
      cause,
    );
  }
}
