// Copyright the authors of ACR for TensorFlow.js
// SPDX-License-Identifier: Apache-2.0

#ifndef ACR_HANDLE_MAP_H_
#define ACR_HANDLE_MAP_H_

#include <node_api.h>

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>

#include "acr_queue.h"

namespace acr {

// Tensors by number, with the methods of the std::unordered_map that it stands in for: whoever looks one up waits for
// it.
class HandleMap {
 public:
  struct Entry {
    int32_t first;
    // nullptr until somebody has waited for it.
    TFE_TensorHandle *second;
    std::shared_ptr<Slot> slot;
  };

  void Use(napi_env env) { env_ = env; }

  // A tensor that is there.
  std::pair<Entry *, bool> insert(const std::pair<int32_t, TFE_TensorHandle *> &pair) {
    auto slot = std::make_shared<Slot>();
    slot->handle = pair.second;
    slot->is_resource = pair.second != nullptr && TFE_TensorHandleDataType(pair.second) == TF_RESOURCE;
    if (pair.second != nullptr && !slot->is_resource) {
      TF_AutoStatus status;
      const auto size = static_cast<int64_t>(TF_DataTypeSize(TFE_TensorHandleDataType(pair.second)));
      slot->given_bytes = TFE_TensorHandleNumElements(pair.second, status.status) * size;
    }
    return {Put(pair.first, pair.second, slot), true};
  }

  // A tensor that comes later.
  void Insert(int32_t id, const std::shared_ptr<Slot> &slot) { Put(id, nullptr, slot); }

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
  Entry *Put(int32_t id, TFE_TensorHandle *handle, const std::shared_ptr<Slot> &slot) {
    Entry &entry = entries_[id];
    entry = {id, handle, slot};
    return &entry;
  }

  std::unordered_map<int32_t, Entry> entries_;
  napi_env env_ = nullptr;
};

}  // namespace acr

#endif  // ACR_HANDLE_MAP_H_
