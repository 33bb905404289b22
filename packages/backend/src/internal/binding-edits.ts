import { type InstallWork, installFault } from "./install-work.js";
import { DEFERRED_RELEASE, ENQUEUE, OPERATION_QUEUE } from "./operation-queue.js";

/** What is done to the binding's source of one version of tfjs-node before it is compiled. */
export interface BindingEdits {
  /** New files by name. */
  files: Readonly<Record<string, string>>;
  /** By file: a text that occurs once, and what takes its place. */
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
  files: { "acr_queue.h": OPERATION_QUEUE, "acr_deferred.h": DEFERRED_RELEASE, "acr_enqueue.inc": ENQUEUE },
  replacements: {
    "napi_auto_ref.h": [
      ["#include <node_api.h>\n", "#include <node_api.h>\n#include <thread>\n"],
      [
        "  napi_status Init(napi_env env, napi_value value) {\n",
        "  // Where it must be cleaned up.\n  const std::thread::id thread_id = std::this_thread::get_id();\n\n  napi_status Init(napi_env env, napi_value value) {\n",
      ],
    ],
    "tfjs_backend.h": [
      ["#include <node_api.h>\n", '#include <node_api.h>\n#include "acr_deferred.h"\n#include "acr_queue.h"\n'],
      [
        "  std::unordered_map<int32_t, TFE_TensorHandle *> tfe_handle_map_;\n",
        "  acr::HandleMap tfe_handle_map_;\n  int queue_threads_ = 2;\n",
      ],
      [
        " private:\n  TFJSBackend(napi_env env);\n",
        `  napi_value EnqueueOp(napi_env env, napi_value op_name_value, napi_value op_attr_inputs,
                       napi_value input_tensor_ids, napi_value output_shapes);
  void AwaitTensors(napi_env env, napi_value tensor_ids);

 private:
  TFJSBackend(napi_env env);
`,
      ],
    ],
    "tfjs_backend.cc": [
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
        "  acr::ReleaseDeferred();\n  NapiAutoRef *auto_ref = new NapiAutoRef();\n",
      ],
      [
        "napi_value TFJSBackend::GetNumOfSavedModels(",
        '#include "acr_enqueue.inc"\n\nnapi_value TFJSBackend::GetNumOfSavedModels(',
      ],
    ],
    "tfjs_binding.cc": [
      [ARGUMENTS(4), ARGUMENTS(5)],
      [
        CALL,
        `  // The shapes of what comes out: it may come later.
  bool has_shapes = false;
  if (argc > 4 && !backend->is_gpu_device) {
    nstatus = napi_is_array(env, args[4], &has_shapes);
    ENSURE_NAPI_OK_RETVAL(env, nstatus, nullptr);
  }
  if (has_shapes) return backend->EnqueueOp(env, args[0], args[1], args[2], args[4]);
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

/** @throws {BackendError} a file is not as it was when the edits were written. */
export async function editBinding({ node, release }: InstallWork, tfjsNode: string): Promise<void> {
  const { files, path } = node;
  const folder = path.join(tfjsNode, "binding");
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
    await files.writeFile(file, text);
  }
  for (const [name, text] of Object.entries(release.edits.files)) await files.writeFile(path.join(folder, name), text);
}
