// Copyright the authors of ACR for TensorFlow.js
// SPDX-License-Identifier: Apache-2.0
//
// tfjs-node's binding runs one operation after another while JavaScript waits. With this queue, operations whose
// results have known shapes run on two threads of their own as soon as their inputs are there, beside each other and
// beside JavaScript; whoever looks a tensor up waits for it. CPU only.

#ifndef ACR_QUEUE_H_
#define ACR_QUEUE_H_

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tensorflow/c/eager/c_api.h"
#include "tf_auto_status.h"

namespace acr {

using tfnodejs::TF_AutoStatus;
using Error = std::shared_ptr<const std::string>;

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
  Error error;
  bool is_resource = false;
  // Size of JavaScript's values, or of the result of an operation that ran at once.
  int64_t given_bytes = 0;

  Slot() = default;
  Slot(const Slot &) = delete;
  Slot &operator=(const Slot &) = delete;
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
  // As many as outputs, made by Add: what runs operations allocates nothing itself.
  std::vector<TFE_TensorHandle *> results;
  std::vector<std::shared_ptr<Operation>> followers;
  int missing = 0;
  // Which input its output is if it fails; -1: none. Else a step that fails would take along what is averaged over
  // steps.
  int fallback = -1;
  // What of its inputs is in memory already, and stays until it is done.
  int64_t bytes = 0;
  bool done = false;
  Error error;

  Operation() = default;
  Operation(const Operation &) = delete;
  Operation &operator=(const Operation &) = delete;
  ~Operation() {
    if (op != nullptr) TFE_DeleteOp(op);
  }
};

// Runs operations on threads of its own, the oldest first among those whose inputs are there.
class Queue {
 public:
  Queue() { ready_.reserve(kMostUnfinished); }
  ~Queue() { Stop(); }

  // Of the thread of JavaScript, as all that is public. An exception (no memory) leaves everything as it was.
  void Add(const std::shared_ptr<Operation> &operation, size_t thread_count) {
    std::unique_lock<std::mutex> lock(mutex_);
    operation->results.assign(operation->outputs.size(), nullptr);
    for (auto &slot : operation->inputs) operation->bytes += slot->given_bytes;
    // A program that never reads anything must not pile up work, nor values that it is done with.
    Until(lock, [this] { return unfinished_ < kMostUnfinished && given_bytes_ < kMostGivenBytes; });
    FollowInputs(operation);
    // Behind the former, since an operation may take a variable twice and must not wait for itself.
    for (auto &slot : operation->inputs)
      if (slot->is_resource) slot->last_user = operation;
    for (auto &slot : operation->outputs) slot->producer = operation;
    operation->order = next_order_++;
    given_bytes_ += operation->bytes;
    unfinished_++;
    if (operation->missing == 0) MakeReady(operation);
    StartThreads(thread_count);
    if (threads_.empty()) {
      while (!ready_.empty()) Run(lock);
    } else if (operation->missing == 0) {
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

  // Lets an operation wait for what makes its inputs, and for those who use the same variables before it.
  static void FollowInputs(const std::shared_ptr<Operation> &operation) {
    const auto follow = [&operation](const std::shared_ptr<Operation> &before) {
      if (!before || before->done) return;
      before->followers.push_back(operation);
      operation->missing++;
    };
    try {
      for (auto &slot : operation->inputs) {
        follow(slot->producer);
        if (slot->is_resource) follow(slot->last_user);
      }
    } catch (...) {
      for (auto &slot : operation->inputs)
        for (auto &before : {slot->producer, slot->last_user}) {
          if (!before) continue;
          auto &all = before->followers;
          all.erase(std::remove(all.begin(), all.end(), operation), all.end());
        }
      throw;
    }
  }

  // Where the system gives fewer threads, these do; where it gives none, JavaScript's own computes.
  void StartThreads(size_t count) {
    if (!may_start_) return;
    try {
      threads_.reserve(count);
      while (threads_.size() < count) threads_.emplace_back([this] { Work(); });
    } catch (...) {
      may_start_ = false;
    }
  }

  template <typename Condition>
  void Until(std::unique_lock<std::mutex> &lock, Condition is_met) {
    while (!is_met()) {
      is_awaited_ = true;
      finished_.wait(lock);
    }
    is_awaited_ = false;
  }

  // A heap with the oldest in front; it never grows beyond what was reserved.
  static bool IsNewer(const std::shared_ptr<Operation> &a, const std::shared_ptr<Operation> &b) {
    return a->order > b->order;
  }

  void MakeReady(std::shared_ptr<Operation> operation) {
    ready_.push_back(std::move(operation));
    std::push_heap(ready_.begin(), ready_.end(), IsNewer);
  }

  void Work() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      while (ready_.empty() && !(is_stopping_ && unfinished_ == 0)) wake_.wait(lock);
      if (ready_.empty()) return;
      Run(lock);
    }
  }

  // Runs the oldest operation that is ready, without the lock while it computes. Throws nothing.
  void Run(std::unique_lock<std::mutex> &lock) {
    std::pop_heap(ready_.begin(), ready_.end(), IsNewer);
    std::shared_ptr<Operation> operation = std::move(ready_.back());
    ready_.pop_back();
    if (is_stopping_) operation->error = closed_;
    for (auto &slot : operation->inputs)
      if (slot->error && !operation->error) operation->error = slot->error;
    lock.unlock();
    if (!operation->error) Execute(*operation);
    if (operation->error && operation->fallback >= 0) FallBack(*operation);
    lock.lock();
    std::vector<std::shared_ptr<Slot>> inputs = std::move(operation->inputs);
    // A variable may remember the operation, which must not keep a result: TensorFlow copies what somebody else still
    // holds.
    std::vector<std::shared_ptr<Slot>> outputs = std::move(operation->outputs);
    operation->inputs.clear();
    operation->outputs.clear();
    // It was to write, and nobody will ask for a result of it: whoever asks for the variable is told.
    if (operation->error && outputs.empty())
      for (auto &slot : inputs)
        if (slot->is_resource && !slot->error) slot->error = operation->error;
    for (size_t i = 0; i < outputs.size(); i++) {
      outputs[i]->handle = operation->results[i];
      outputs[i]->error = operation->error;
      outputs[i]->producer.reset();
    }
    operation->done = true;
    size_t added = 0;
    for (auto &follower : operation->followers) {
      if (--follower->missing > 0) continue;
      MakeReady(follower);
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

  void Execute(Operation &operation) {
    try {
      const std::string fault = FaultOf(operation);
      if (!fault.empty()) operation.error = std::make_shared<const std::string>(fault);
    } catch (...) {
      operation.error = thrown_;
    }
    TFE_DeleteOp(operation.op);
    operation.op = nullptr;
    if (!operation.error) return;
    // A result that is not as promised.
    for (auto &handle : operation.results) {
      if (handle != nullptr) TFE_DeleteTensorHandle(handle);
      handle = nullptr;
    }
  }

  static void FallBack(Operation &operation) {
    const Slot &former = *operation.inputs[operation.fallback];
    if (former.error || former.handle == nullptr || operation.results.size() != 1) return;
    try {
      TF_AutoStatus status;
      operation.results[0] = TFE_TensorHandleCopySharingTensor(former.handle, status.status);
      if (TF_GetCode(status.status) == TF_OK) operation.error = nullptr;
    } catch (...) {
      // It failed, then.
    }
  }

  // Executes, and says what went wrong, if anything did.
  static std::string FaultOf(Operation &operation) {
    TF_AutoStatus status;
    const auto failed = [&status] { return TF_GetCode(status.status) != TF_OK; };
    for (auto &slot : operation.inputs) {
      TFE_OpAddInput(operation.op, slot->handle, status.status);
      if (failed()) break;
    }
    int count = static_cast<int>(operation.results.size());
    if (!failed()) TFE_Execute(operation.op, operation.results.data(), &count, status.status);
    if (failed())
      return "Invalid TF_Status: " + std::to_string(TF_GetCode(status.status)) +
             "\nMessage: " + TF_Message(status.status);
    // JavaScript has gone on with what it promised.
    for (size_t i = 0; i < operation.results.size(); i++)
      if (!IsAsPromised(*operation.outputs[i], operation.results[i]))
        return std::string("The result of ") + TFE_OpGetName(operation.op, status.status) +
               " has another shape or type than was promised";
    return "";
  }

  static bool IsAsPromised(const Slot &slot, TFE_TensorHandle *handle) {
    if (TFE_TensorHandleDataType(handle) != TF_FLOAT) return false;
    if (!slot.is_promised) return true;
    TF_AutoStatus status;
    if (TFE_TensorHandleNumDims(handle, status.status) != static_cast<int>(slot.shape.size())) return false;
    for (size_t i = 0; i < slot.shape.size(); i++)
      if (TFE_TensorHandleDim(handle, static_cast<int>(i), status.status) != slot.shape[i]) return false;
    return true;
  }

  // Made beforehand: there may be no memory to say so.
  const Error thrown_ =
      std::make_shared<const std::string>("an operation threw an exception of C++: it may have run out of memory");
  const Error closed_ = std::make_shared<const std::string>("the backend is closed");
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable finished_;
  std::vector<std::thread> threads_;
  std::vector<std::shared_ptr<Operation>> ready_;
  uint64_t next_order_ = 0;
  int unfinished_ = 0;
  int64_t given_bytes_ = 0;
  bool is_awaited_ = false;
  bool is_stopping_ = false;
  bool may_start_ = true;
};

}  // namespace acr

#endif  // ACR_QUEUE_H_
