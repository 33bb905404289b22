// Copyright the authors of ACR for TensorFlow.js
// SPDX-License-Identifier: Apache-2.0
//
// Methods that are added to tfjs-node's backend.

#include <exception>
#include <memory>
#include <string>

#include "tf_auto_status.h"
#include "tfjs_backend.h"
#include "utils.h"

namespace tfnodejs {

// In tfjs_backend.cc.
void AssignOpAttr(napi_env env, TFE_Op *tfe_op, napi_value attr_value);

namespace {

// What JavaScript is told of an output before it is computed.
napi_value DescribeOutput(napi_env env, int32_t id, napi_value shape) {
  napi_value info, id_value, dtype;
  ENSURE_NAPI_OK_RETVAL(env, napi_create_object(env, &info), nullptr);
  ENSURE_NAPI_OK_RETVAL(env, napi_create_int32(env, id, &id_value), nullptr);
  ENSURE_NAPI_OK_RETVAL(env, napi_create_int32(env, TF_FLOAT, &dtype), nullptr);
  ENSURE_NAPI_OK_RETVAL(env, napi_set_named_property(env, info, "id", id_value), nullptr);
  ENSURE_NAPI_OK_RETVAL(env, napi_set_named_property(env, info, "shape", shape), nullptr);
  ENSURE_NAPI_OK_RETVAL(env, napi_set_named_property(env, info, "dtype", dtype), nullptr);
  return info;
}

}  // namespace

napi_value TFJSBackend::EnqueueOp(napi_env env, napi_value op_name_value, napi_value op_attr_inputs,
                                  napi_value input_tensor_ids, napi_value output_shapes, int32_t fallback) {
  try {
    return TryEnqueueOp(env, op_name_value, op_attr_inputs, input_tensor_ids, output_shapes, fallback);
  } catch (const std::exception &exception) {
    // It must not reach Node, which would end the process.
    NAPI_THROW_ERROR(env, "An operation cannot be queued: %s; it may be out of memory", exception.what());
    return nullptr;
  }
}

napi_value TFJSBackend::TryEnqueueOp(napi_env env, napi_value op_name_value, napi_value op_attr_inputs,
                                     napi_value input_tensor_ids, napi_value output_shapes, int32_t fallback) {
  std::string op_name;
  ENSURE_NAPI_OK_RETVAL(env, GetStringParam(env, op_name_value, op_name), nullptr);
  auto operation = std::make_shared<acr::Operation>();

  uint32_t input_count;
  ENSURE_NAPI_OK_RETVAL(env, napi_get_array_length(env, input_tensor_ids, &input_count), nullptr);
  operation->inputs.reserve(input_count);
  for (uint32_t i = 0; i < input_count; i++) {
    napi_value element;
    ENSURE_NAPI_OK_RETVAL(env, napi_get_element(env, input_tensor_ids, i, &element), nullptr);
    int32_t id;
    ENSURE_NAPI_OK_RETVAL(env, napi_get_value_int32(env, element, &id), nullptr);
    auto slot = tfe_handle_map_.Peek(id);
    if (!slot) {
      NAPI_THROW_ERROR(env, "Input Tensor ID not referenced (tensor_id: %d)", id);
      return nullptr;
    }
    operation->inputs.push_back(std::move(slot));
  }
  if (fallback >= 0 && static_cast<uint32_t>(fallback) < input_count) operation->fallback = fallback;

  TF_AutoStatus tf_status;
  operation->op = TFE_NewOp(tfe_context_, op_name.c_str(), tf_status.status);
  ENSURE_TF_OK_RETVAL(env, tf_status, nullptr);
  uint32_t attribute_count;
  ENSURE_NAPI_OK_RETVAL(env, napi_get_array_length(env, op_attr_inputs, &attribute_count), nullptr);
  for (uint32_t i = 0; i < attribute_count; i++) {
    napi_value attribute;
    ENSURE_NAPI_OK_RETVAL(env, napi_get_element(env, op_attr_inputs, i, &attribute), nullptr);
    AssignOpAttr(env, operation->op, attribute);
    if (IsExceptionPending(env)) return nullptr;
  }

  uint32_t output_count;
  ENSURE_NAPI_OK_RETVAL(env, napi_get_array_length(env, output_shapes, &output_count), nullptr);
  napi_value infos;
  ENSURE_NAPI_OK_RETVAL(env, napi_create_array_with_length(env, output_count, &infos), nullptr);
  const int32_t first_id = next_tensor_id_;
  for (uint32_t i = 0; i < output_count; i++) {
    napi_value shape;
    ENSURE_NAPI_OK_RETVAL(env, napi_get_element(env, output_shapes, i, &shape), nullptr);
    auto slot = std::make_shared<acr::Slot>();
    ENSURE_NAPI_OK_RETVAL(env, napi_is_array(env, shape, &slot->is_promised), nullptr);
    if (slot->is_promised) ExtractArrayShape(env, shape, &slot->shape);
    if (IsExceptionPending(env)) return nullptr;
    operation->outputs.push_back(std::move(slot));
    napi_value info = DescribeOutput(env, first_id + static_cast<int32_t>(i), shape);
    if (info == nullptr) return nullptr;
    ENSURE_NAPI_OK_RETVAL(env, napi_set_element(env, infos, i, info), nullptr);
  }
  // It lets go of its outputs when it has run.
  const auto outputs = operation->outputs;
  tfe_handle_map_.queue.Add(operation, queue_threads_);
  for (auto &slot : outputs) tfe_handle_map_.Insert(next_tensor_id_++, slot);
  return infos;
}

void TFJSBackend::AwaitTensors(napi_env env, napi_value tensor_ids) {
  uint32_t count;
  ENSURE_NAPI_OK(env, napi_get_array_length(env, tensor_ids, &count));
  for (uint32_t i = 0; i < count; i++) {
    napi_value element;
    ENSURE_NAPI_OK(env, napi_get_element(env, tensor_ids, i, &element));
    int32_t id;
    ENSURE_NAPI_OK(env, napi_get_value_int32(env, element, &id));
    if (tfe_handle_map_.find(id) == tfe_handle_map_.end()) {
      // Says nothing where find has said why.
      NAPI_THROW_ERROR(env, "Await called on a Tensor not referenced (tensor_id: %d)", id);
      return;
    }
  }
}

}  // namespace tfnodejs
