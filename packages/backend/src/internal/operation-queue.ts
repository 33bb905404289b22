/**
 * C++ that is compiled with tfjs-node's binding, which runs one operation after another while JavaScript waits. With it,
 * operations whose results have known shapes run on two threads of their own as soon as their inputs are there, beside each
 * other and beside JavaScript; whoever looks a tensor up waits for it. CPU only.
 *
 * The queue itself, and a map of tensors that stands in for tfjs-node's.
 */
export const OPERATION_QUEUE = String.raw`#ifndef ACR_QUEUE_H_
#define ACR_QUEUE_H_

#include <node_api.h>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>
#include "tensorflow/c/eager/c_api.h"
#include "tf_auto_status.h"

namespace acr {

using tfnodejs::TF_AutoStatus;

struct Operation;

// A tensor that is there, comes later, or failed.
struct Slot {
  TFE_TensorHandle *handle = nullptr;
  // What was promised, while producer has not run, if anything was.
  bool is_promised = false;
  std::vector<int64_t> shape;
  std::shared_ptr<Operation> producer;
  // Of a resource (a variable): who uses it last. Operations on it keep their order.
  std::shared_ptr<Operation> last_user;
  std::shared_ptr<std::string> error;
  bool is_resource = false;
  // Size of JavaScript's values, or of the result of an operation that ran at once.
  int64_t given_bytes = 0;
  ~Slot() {
    if (handle != nullptr) TFE_DeleteTensorHandle(handle);
  }
};

// An operation that runs as soon as its inputs are there.
struct Operation {
  uint64_t order = 0;
  TFE_Op *op = nullptr;
  std::vector<std::shared_ptr<Slot>> inputs;
  std::vector<std::shared_ptr<Slot>> outputs;
  std::vector<std::shared_ptr<Operation>> followers;
  int missing = 0;
  // What of its inputs is in memory already, and stays until it is done.
  int64_t bytes = 0;
  bool done = false;
  std::shared_ptr<std::string> error;
  ~Operation() {
    if (op != nullptr) TFE_DeleteOp(op);
  }
};

// Runs operations on threads of its own, the oldest first among those whose inputs are there.
class Queue {
 public:
  ~Queue() { Stop(); }

  // Of the thread of JavaScript, as all but Work.
  void Add(const std::shared_ptr<Operation> &operation, int thread_count) {
    std::unique_lock<std::mutex> lock(mutex_);
    // A program that never reads anything must not pile up work, nor values that it is done with.
    for (auto &slot : operation->inputs) operation->bytes += slot->given_bytes;
    Until(lock, [this] { return unfinished_ < kMostUnfinished && given_bytes_ < kMostGivenBytes; });
    given_bytes_ += operation->bytes;
    operation->order = next_order_++;
    for (auto &slot : operation->inputs) {
      if (slot->producer) Follow(operation, slot->producer);
      if (!slot->is_resource) continue;
      // One operation may take a variable twice; it does not wait for itself.
      if (slot->last_user && slot->last_user != operation && !slot->last_user->done) Follow(operation, slot->last_user);
      slot->last_user = operation;
    }
    for (auto &slot : operation->outputs) slot->producer = operation;
    unfinished_++;
    while (static_cast<int>(threads_.size()) < thread_count) threads_.emplace_back([this] { Work(); });
    if (operation->missing == 0) {
      ready_.emplace(operation->order, operation);
      wake_.notify_one();
    }
  }

  // Waits for a tensor, and for all that happens to it if it is a variable.
  void Wait(const std::shared_ptr<Slot> &slot) {
    std::unique_lock<std::mutex> lock(mutex_);
    Until(lock, [&slot] { return !slot->producer && (!slot->last_user || slot->last_user->done); });
    slot->last_user.reset();
  }

  // Ends the threads behind what they are at; the rest is not computed any more.
  void Stop() {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      is_stopping_ = true;
      wake_.notify_all();
    }
    for (auto &thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  static constexpr int kMostUnfinished = 8192;
  static constexpr int64_t kMostGivenBytes = int64_t{1} << 30;

  static void Follow(const std::shared_ptr<Operation> &operation, const std::shared_ptr<Operation> &before) {
    before->followers.push_back(operation);
    operation->missing++;
  }

  template <typename Condition>
  void Until(std::unique_lock<std::mutex> &lock, Condition is_met) {
    while (!is_met()) {
      is_awaited_ = true;
      finished_.wait(lock);
    }
    is_awaited_ = false;
  }

  void Work() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      while (ready_.empty() && !(is_stopping_ && unfinished_ == 0)) wake_.wait(lock);
      if (ready_.empty()) return;
      std::shared_ptr<Operation> operation = std::move(ready_.begin()->second);
      ready_.erase(ready_.begin());
      if (is_stopping_) operation->error = std::make_shared<std::string>("the backend is closed");
      for (auto &slot : operation->inputs)
        if (slot->error && !operation->error) operation->error = slot->error;
      lock.unlock();
      std::vector<TFE_TensorHandle *> handles(operation->outputs.size(), nullptr);
      if (!operation->error) Execute(*operation, handles.data());
      lock.lock();
      std::vector<std::shared_ptr<Slot>> inputs = std::move(operation->inputs);
      // A variable may remember the operation, which must not keep a result: TensorFlow copies what somebody else still holds.
      std::vector<std::shared_ptr<Slot>> outputs = std::move(operation->outputs);
      operation->inputs.clear();
      operation->outputs.clear();
      // It was to write, and nobody will ask for a result of it: whoever asks for the variable is told.
      if (operation->error && outputs.empty())
        for (auto &slot : inputs)
          if (slot->is_resource && !slot->error) slot->error = operation->error;
      for (size_t i = 0; i < handles.size(); i++) {
        Slot &slot = *outputs[i];
        slot.handle = handles[i];
        slot.error = operation->error;
        slot.producer.reset();
      }
      operation->done = true;
      size_t added = 0;
      for (auto &follower : operation->followers) {
        if (--follower->missing > 0) continue;
        ready_.emplace(follower->order, follower);
        added++;
      }
      operation->followers.clear();
      unfinished_--;
      given_bytes_ -= operation->bytes;
      if (is_stopping_) wake_.notify_all();
      // This thread takes the first of them.
      for (size_t i = 1; i < added; i++) wake_.notify_one();
      if (is_awaited_) finished_.notify_one();
      lock.unlock();
      // May free what is large: not while others wait.
      inputs.clear();
      outputs.clear();
      operation.reset();
      lock.lock();
    }
  }

  static void Execute(Operation &operation, TFE_TensorHandle **handles) {
    TF_AutoStatus status;
    for (auto &slot : operation.inputs) {
      TFE_OpAddInput(operation.op, slot->handle, status.status);
      if (TF_GetCode(status.status) != TF_OK) break;
    }
    int count = static_cast<int>(operation.outputs.size());
    if (TF_GetCode(status.status) == TF_OK) TFE_Execute(operation.op, handles, &count, status.status);
    if (TF_GetCode(status.status) != TF_OK) {
      operation.error = std::make_shared<std::string>(
          "Invalid TF_Status: " + std::to_string(TF_GetCode(status.status)) + "\nMessage: " + TF_Message(status.status));
    } else {
      for (int i = 0; i < count && !operation.error; i++) Check(operation, *operation.outputs[i], handles[i]);
    }
    TFE_DeleteOp(operation.op);
    operation.op = nullptr;
  }

  // JavaScript has gone on with what it promised.
  static void Check(Operation &operation, const Slot &slot, TFE_TensorHandle *handle) {
    TF_AutoStatus status;
    bool fits = TFE_TensorHandleDataType(handle) == TF_FLOAT;
    if (!slot.is_promised) return Blame(operation, fits);
    fits = fits && TFE_TensorHandleNumDims(handle, status.status) == static_cast<int>(slot.shape.size());
    for (size_t i = 0; fits && i < slot.shape.size(); i++)
      fits = TFE_TensorHandleDim(handle, static_cast<int>(i), status.status) == slot.shape[i];
    Blame(operation, fits);
  }

  static void Blame(Operation &operation, bool fits) {
    TF_AutoStatus status;
    if (!fits)
      operation.error = std::make_shared<std::string>(
          std::string("The result of ") + TFE_OpGetName(operation.op, status.status) + " has another shape or type than was promised");
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable finished_;
  std::vector<std::thread> threads_;
  std::map<uint64_t, std::shared_ptr<Operation>> ready_;
  uint64_t next_order_ = 0;
  int unfinished_ = 0;
  int64_t given_bytes_ = 0;
  bool is_awaited_ = false;
  bool is_stopping_ = false;
};

// Tensors by number, as tfjs-node's code asks for them: whoever looks one up waits for it.
class HandleMap {
 public:
  struct Entry {
    int32_t first;
    TFE_TensorHandle *second;
    std::shared_ptr<Slot> slot;
  };

  void Use(napi_env env) { env_ = env; }

  std::pair<Entry *, bool> insert(const std::pair<int32_t, TFE_TensorHandle *> &pair) {
    auto slot = std::make_shared<Slot>();
    slot->handle = pair.second;
    slot->is_resource = pair.second != nullptr && TFE_TensorHandleDataType(pair.second) == TF_RESOURCE;
    if (pair.second != nullptr && !slot->is_resource) {
      tfnodejs::TF_AutoStatus status;
      int64_t size = static_cast<int64_t>(TF_DataTypeSize(TFE_TensorHandleDataType(pair.second)));
      slot->given_bytes = TFE_TensorHandleNumElements(pair.second, status.status) * size;
    }
    return {Insert(pair.first, slot), true};
  }

  Entry *Insert(int32_t id, const std::shared_ptr<Slot> &slot) {
    Entry &entry = entries_[id];
    entry = {id, slot->handle, slot};
    return &entry;
  }

  // Without waiting.
  std::shared_ptr<Slot> Peek(int32_t id) {
    auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : found->second.slot;
  }

  // nullptr if there is none, or, with an exception for JavaScript, if what makes it failed.
  Entry *find(int32_t id) {
    auto found = entries_.find(id);
    if (found == entries_.end()) return nullptr;
    Entry &entry = found->second;
    queue.Wait(entry.slot);
    if (entry.slot->error) {
      napi_throw_error(env_, nullptr, entry.slot->error->c_str());
      return nullptr;
    }
    entry.second = entry.slot->handle;
    return &entry;
  }

  Entry *end() { return nullptr; }
  void erase(Entry *entry) { entries_.erase(entry->first); }
  size_t size() const { return entries_.size(); }

  // Forgets a tensor, which goes when nobody computes with it any more. False: see what it is first.
  bool Forget(int32_t id) {
    auto found = entries_.find(id);
    if (found == entries_.end()) return false;
    // Those that come later are floats.
    TFE_TensorHandle *known = found->second.second;
    if (known != nullptr && TFE_TensorHandleDataType(known) == TF_STRING) return false;
    entries_.erase(found);
    return true;
  }

  void Clear() {
    queue.Stop();
    entries_.clear();
  }

  Queue queue;

 private:
  std::unordered_map<int32_t, Entry> entries_;
  napi_env env_ = nullptr;
};

}  // namespace acr

#endif
`;

/** TensorFlow may let go of JavaScript's memory on any thread; Node wants it back on its own. */
export const DEFERRED_RELEASE = `#ifndef ACR_DEFERRED_H_
#define ACR_DEFERRED_H_

#include <algorithm>
#include <mutex>
#include <vector>
#include "napi_auto_ref.h"

namespace acr {

// Memory of JavaScript that TensorFlow let go on another thread; only JavaScript's own may release it.
struct Deferred {
  std::mutex mutex;
  std::vector<tfnodejs::NapiAutoRef *> list;
};

inline Deferred &DeferredReferences() {
  // Never destroyed: threads may still let go while the process ends.
  static Deferred *deferred = new Deferred();
  return *deferred;
}

// Whether the reference was put aside.
inline bool Defer(tfnodejs::NapiAutoRef *reference) {
  if (reference->thread_id == std::this_thread::get_id()) return false;
  Deferred &deferred = DeferredReferences();
  std::lock_guard<std::mutex> lock(deferred.mutex);
  deferred.list.push_back(reference);
  return true;
}

// Releases what was put aside for this thread. At its end (forget) Node releases the memory itself.
inline void ReleaseDeferred(bool forget = false) {
  std::vector<tfnodejs::NapiAutoRef *> own;
  {
    Deferred &deferred = DeferredReferences();
    std::lock_guard<std::mutex> lock(deferred.mutex);
    auto others = std::partition(deferred.list.begin(), deferred.list.end(), [](tfnodejs::NapiAutoRef *reference) {
      return reference->thread_id != std::this_thread::get_id();
    });
    own.assign(others, deferred.list.end());
    deferred.list.erase(others, deferred.list.end());
  }
  for (auto *reference : own) {
    if (!forget) reference->Cleanup();
    delete reference;
  }
}

}  // namespace acr

#endif
`;

/** Methods of tfjs-node's backend, included in its source. */
export const ENQUEUE = `// As ExecuteOp, for operations whose results are floats of known shapes: they run later, on other threads.
napi_value TFJSBackend::EnqueueOp(napi_env env, napi_value op_name_value, napi_value op_attr_inputs,
                                  napi_value input_tensor_ids, napi_value output_shapes) {
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
  napi_value dtype;
  ENSURE_NAPI_OK_RETVAL(env, napi_create_int32(env, TF_FLOAT, &dtype), nullptr);
  for (uint32_t i = 0; i < output_count; i++) {
    napi_value shape;
    ENSURE_NAPI_OK_RETVAL(env, napi_get_element(env, output_shapes, i, &shape), nullptr);
    auto slot = std::make_shared<acr::Slot>();
    ENSURE_NAPI_OK_RETVAL(env, napi_is_array(env, shape, &slot->is_promised), nullptr);
    if (slot->is_promised) ExtractArrayShape(env, shape, &slot->shape);
    if (IsExceptionPending(env)) return nullptr;
    operation->outputs.push_back(slot);
    napi_value info, id;
    ENSURE_NAPI_OK_RETVAL(env, napi_create_object(env, &info), nullptr);
    ENSURE_NAPI_OK_RETVAL(env, napi_create_int32(env, next_tensor_id_ + static_cast<int32_t>(i), &id), nullptr);
    ENSURE_NAPI_OK_RETVAL(env, napi_set_named_property(env, info, "id", id), nullptr);
    ENSURE_NAPI_OK_RETVAL(env, napi_set_named_property(env, info, "shape", shape), nullptr);
    ENSURE_NAPI_OK_RETVAL(env, napi_set_named_property(env, info, "dtype", dtype), nullptr);
    ENSURE_NAPI_OK_RETVAL(env, napi_set_element(env, infos, i, info), nullptr);
  }
  for (auto &slot : operation->outputs) tfe_handle_map_.Insert(next_tensor_id_++, slot);
  tfe_handle_map_.queue.Add(operation, queue_threads_);
  return infos;
}

// Waits for tensors; throws what went wrong on the way to one of them.
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
`;
