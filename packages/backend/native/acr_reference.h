// Copyright the authors of ACR for TensorFlow.js
// SPDX-License-Identifier: Apache-2.0
//
// TensorFlow may let go of JavaScript's memory on any thread; Node wants it back on that of its environment.

#ifndef ACR_REFERENCE_H_
#define ACR_REFERENCE_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "napi_auto_ref.h"

namespace acr {

// A number of this thread. Unlike std::thread::id, no later thread has it again.
inline uint64_t ThisThread() {
  static std::atomic<uint64_t> count{0};
  static thread_local const uint64_t number = ++count;
  return number;
}

// JavaScript's memory that TensorFlow reads, and the thread on which it must be let go.
class Reference : public tfnodejs::NapiAutoRef {
 public:
  const uint64_t thread = ThisThread();
};

// What was let go on other threads.
struct Deferred {
  std::mutex mutex;
  std::vector<Reference *> list;
};

inline Deferred &DeferredReferences() {
  // Never destroyed: threads may still let go while the process ends.
  static auto *deferred = new Deferred();
  return *deferred;
}

// Whether the reference was put aside for its own thread.
inline bool Defer(tfnodejs::NapiAutoRef *given) noexcept {
  auto *reference = static_cast<Reference *>(given);
  if (reference->thread == ThisThread()) return false;
  Deferred &deferred = DeferredReferences();
  try {
    std::lock_guard<std::mutex> lock(deferred.mutex);
    deferred.list.push_back(reference);
  } catch (...) {
    // Without memory for the list its memory stays until the environment ends, which is better than the end of the
    // process.
  }
  return true;
}

// Releases what was put aside for this thread. At its end (forget) Node releases the memory itself.
inline void ReleaseDeferred(bool forget = false) {
  Deferred &deferred = DeferredReferences();
  std::unique_lock<std::mutex> lock(deferred.mutex);
  const auto own = std::partition(deferred.list.begin(), deferred.list.end(),
                                  [](Reference *reference) { return reference->thread != ThisThread(); });
  for (auto each = own; each != deferred.list.end(); ++each) {
    if (!forget) (*each)->Cleanup();
    delete *each;
  }
  deferred.list.erase(own, deferred.list.end());
}

}  // namespace acr

#endif  // ACR_REFERENCE_H_
