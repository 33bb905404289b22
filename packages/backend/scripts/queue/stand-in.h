// Copyright the authors of ACR for TensorFlow.js
// SPDX-License-Identifier: Apache-2.0
//
// As much of TensorFlow's C API, Node-API and tfjs-node as the queue uses, with a count of everything that lives.

#ifndef ACR_STAND_IN_H_
#define ACR_STAND_IN_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

enum TF_DataType { TF_FLOAT = 1, TF_STRING = 7, TF_RESOURCE = 20 };
enum TF_Code { TF_OK = 0, TF_INVALID_ARGUMENT = 3 };

struct TF_Status {
  TF_Code code = TF_OK;
  std::string message;
};

// A tensor is one number; a variable (resource) is a place for one, shared by those who hold its handle.
struct TFE_TensorHandle {
  TF_DataType type = TF_FLOAT;
  std::vector<int64_t> shape;
  int64_t value = 0;
  std::shared_ptr<int64_t> variable;
};

struct TFE_Op {
  std::string name;
  std::vector<TFE_TensorHandle *> inputs;
  std::function<void(TFE_Op &, TFE_TensorHandle **, TF_Status *)> run;
};

inline std::atomic<int64_t> live_handles{0}, live_ops{0};

inline TFE_TensorHandle *NewHandle(int64_t value, std::vector<int64_t> shape = {}) {
  live_handles++;
  return new TFE_TensorHandle{TF_FLOAT, std::move(shape), value, nullptr};
}
inline TFE_TensorHandle *NewVariable(int64_t value) {
  live_handles++;
  return new TFE_TensorHandle{TF_RESOURCE, {}, 0, std::make_shared<int64_t>(value)};
}
inline TFE_Op *NewOp(std::string name, std::function<void(TFE_Op &, TFE_TensorHandle **, TF_Status *)> run) {
  live_ops++;
  return new TFE_Op{std::move(name), {}, std::move(run)};
}

inline TF_Status *TF_NewStatus() {
  return new TF_Status();
}
inline void TF_DeleteStatus(TF_Status *status) {
  delete status;
}
inline TF_Code TF_GetCode(const TF_Status *status) {
  return status->code;
}
inline const char *TF_Message(const TF_Status *status) {
  return status->message.c_str();
}
inline size_t TF_DataTypeSize(TF_DataType) {
  return 4;
}
inline void TFE_DeleteTensorHandle(TFE_TensorHandle *handle) {
  delete handle;
  live_handles--;
}
inline TFE_TensorHandle *TFE_TensorHandleCopySharingTensor(TFE_TensorHandle *handle, TF_Status *) {
  return NewHandle(handle->value, handle->shape);
}
inline TF_DataType TFE_TensorHandleDataType(TFE_TensorHandle *handle) {
  return handle->type;
}
inline int TFE_TensorHandleNumDims(TFE_TensorHandle *handle, TF_Status *) {
  return static_cast<int>(handle->shape.size());
}
inline int64_t TFE_TensorHandleDim(TFE_TensorHandle *handle, int i, TF_Status *) {
  return handle->shape[i];
}
inline int64_t TFE_TensorHandleNumElements(TFE_TensorHandle *handle, TF_Status *) {
  int64_t count = 1;
  for (const int64_t side : handle->shape) count *= side;
  return count;
}
inline void TFE_DeleteOp(TFE_Op *op) {
  delete op;
  live_ops--;
}
inline const char *TFE_OpGetName(const TFE_Op *op, TF_Status *) {
  return op->name.c_str();
}
inline void TFE_OpAddInput(TFE_Op *op, TFE_TensorHandle *handle, TF_Status *) {
  op->inputs.push_back(handle);
}
inline void TFE_Execute(TFE_Op *op, TFE_TensorHandle **results, int *, TF_Status *status) {
  op->run(*op, results, status);
}

using napi_env = std::string *;
// The environment holds what was thrown.
inline void napi_throw_error(napi_env env, const char *, const char *message) {
  *env = message;
}

namespace tfnodejs {

class TF_AutoStatus {
 public:
  ~TF_AutoStatus() { TF_DeleteStatus(status); }
  TF_Status *status = TF_NewStatus();
};

class NapiAutoRef {
 public:
  virtual ~NapiAutoRef() = default;
  // Must run on the thread that made it.
  void Cleanup() {
    if (std::this_thread::get_id() == made_on_ && *is_open_)
      good_cleanups++;
    else
      bad_cleanups++;
  }
  static inline std::atomic<int> good_cleanups{0}, bad_cleanups{0};
  // Whether the environment of this thread is open.
  static inline thread_local std::shared_ptr<bool> is_open = std::make_shared<bool>(true);

 private:
  const std::thread::id made_on_ = std::this_thread::get_id();
  const std::shared_ptr<bool> is_open_ = is_open;
};

}  // namespace tfnodejs

#endif  // ACR_STAND_IN_H_
