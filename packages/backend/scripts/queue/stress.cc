// Copyright the authors of ACR for TensorFlow.js
// SPDX-License-Identifier: Apache-2.0
//
// Drives the queue with operations of the stand-in for TensorFlow and compares with what the same operations give one
// after another: stress [--no-threads]. Built and run by check-queue.mjs, with and without sanitizers.

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <new>
#include <random>
#include <set>
#include <string>
#include <system_error>
#include <thread>

#include "acr_handle_map.h"
#include "acr_reference.h"

namespace {

std::atomic<int> faults{0};

void Expect(bool is_met, const std::string &promise) {
  if (is_met) return;
  faults++;
  std::fprintf(stderr, "FAILED: %s\n", promise.c_str());
}

void Fail(TF_Status *status, const std::string &message) {
  status->code = TF_INVALID_ARGUMENT;
  status->message = message;
}

// A backend as tfjs-node has it, on one thread.
class Backend {
 public:
  Backend() { map.Use(&thrown); }

  int32_t Tensor(TFE_TensorHandle *handle) { return map.insert({next_++, handle}).first->first; }

  int32_t Enqueue(const std::string &name, const std::vector<int32_t> &inputs, int output_count,
                  std::function<void(TFE_Op &, TFE_TensorHandle **, TF_Status *)> run, int fallback = -1) {
    auto operation = std::make_shared<acr::Operation>();
    for (const int32_t id : inputs) operation->inputs.push_back(map.Peek(id));
    operation->op = NewOp(name, std::move(run));
    operation->fallback = fallback;
    for (int i = 0; i < output_count; i++) {
      operation->outputs.push_back(std::make_shared<acr::Slot>());
      operation->outputs.back()->is_promised = true;
    }
    const auto outputs = operation->outputs;
    map.queue.Add(operation, 2);
    const int32_t first = next_;
    for (const auto &slot : outputs) map.Insert(next_++, slot);
    return first;
  }

  // What a tensor holds, or what went wrong.
  std::string Read(int32_t id) {
    thrown.clear();
    auto *entry = map.find(id);
    if (entry == map.end()) return thrown.empty() ? "no such tensor" : thrown;
    const TFE_TensorHandle &handle = *entry->second;
    return std::to_string(handle.variable ? *handle.variable : handle.value);
  }

  acr::HandleMap map;
  std::string thrown;

 private:
  int32_t next_ = 0;
};

int64_t Mix(int64_t a, int64_t b) {
  return (a * 31 + b * 17 + 7) % 1000003;
}

// Operations at random on tensors and variables, some of which fail or throw, with releases in between.
void RandomGraphs(unsigned seed, int rounds) {
  std::mt19937 random(seed);
  const auto below = [&random](size_t n) { return static_cast<size_t>(random() % n); };
  Backend backend;
  // What each tensor and variable must hold in the end; an empty text is a fault.
  std::map<int32_t, std::string> tensors, variables;
  for (int i = 0; i < 4; i++) {
    tensors[backend.Tensor(NewHandle(i))] = std::to_string(i);
    variables[backend.Tensor(NewVariable(i))] = std::to_string(i);
  }
  const auto any = [&below](const std::map<int32_t, std::string> &map) {
    auto at = map.begin();
    std::advance(at, below(map.size()));
    return *at;
  };
  const auto work = [&random] { return random() % 50 == 0 ? random() % 200 : 0u; };
  for (int i = 0; i < rounds; i++) {
    const unsigned microseconds = work();
    const auto [a, a_value] = any(tensors);
    const auto [b, b_value] = any(tensors);
    const auto [variable, variable_value] = any(variables);
    const bool is_whole = !a_value.empty() && !b_value.empty();
    switch (below(8)) {
      case 0:
      case 1:
      case 2: {
        const int32_t id =
            backend.Enqueue("Mix", {a, b}, 1, [microseconds](TFE_Op &op, TFE_TensorHandle **results, TF_Status *) {
              if (microseconds) std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
              results[0] = NewHandle(Mix(op.inputs[0]->value, op.inputs[1]->value));
            });
        tensors[id] = is_whole ? std::to_string(Mix(std::stoll(a_value), std::stoll(b_value))) : "";
        break;
      }
      case 3: {  // Read a variable, which another may write at once.
        const int32_t id =
            backend.Enqueue("Read", {variable}, 1, [](TFE_Op &op, TFE_TensorHandle **results, TF_Status *) {
              results[0] = NewHandle(*op.inputs[0]->variable);
            });
        tensors[id] = variable_value;
        break;
      }
      case 4: {  // Write a variable; takes it twice.
        backend.Enqueue("Write", {variable, variable, a}, 0, [](TFE_Op &op, TFE_TensorHandle **, TF_Status *) {
          *op.inputs[0]->variable = Mix(*op.inputs[1]->variable, op.inputs[2]->value);
        });
        if (a_value.empty())
          variables[variable] = "";
        else if (!variable_value.empty())
          variables[variable] = std::to_string(Mix(std::stoll(variable_value), std::stoll(a_value)));
        break;
      }
      case 5: {  // One in many fails, throws or breaks its promise; some have a fallback then.
        const size_t kind = below(40);
        const int fallback = below(2) == 0 ? 0 : -1;
        const int32_t id = backend.Enqueue(
            "Odd", {a, b}, 1,
            [kind](TFE_Op &op, TFE_TensorHandle **results, TF_Status *status) {
              if (kind == 0) return Fail(status, "odd");
              if (kind == 1) throw std::bad_alloc();
              if (kind == 2) throw 7;
              results[0] = NewHandle(op.inputs[0]->value);
              if (kind == 3) results[0]->shape = {2};
            },
            fallback);
        const bool fails = kind <= 3 || b_value.empty();
        tensors[id] = fails && fallback < 0 ? "" : a_value;
        break;
      }
      case 6:
        if (tensors.size() > 8) {
          Expect(backend.map.Forget(a), "a tensor is forgotten before it is computed");
          tensors.erase(a);
        }
        break;
      default:
        if (below(10) == 0) {
          const std::string got = backend.Read(a);
          Expect(a_value.empty() ? !backend.thrown.empty() : got == a_value, "a value in between: " + got);
        }
        // A new start for what has failed.
        if (variable_value.empty()) {
          backend.map.Forget(variable);
          variables.erase(variable);
          variables[backend.Tensor(NewVariable(i))] = std::to_string(i);
        }
        if (a_value.empty() && tensors.size() > 8) {
          backend.map.Forget(a);
          tensors.erase(a);
        }
    }
  }
  for (const auto *map : {&tensors, &variables})
    for (const auto &[id, value] : *map) {
      const std::string got = backend.Read(id);
      Expect(value.empty() ? !backend.thrown.empty() : got == value, "the last value: " + got + ", not " + value);
    }
  backend.map.Clear();
}

// What is still queued when a backend closes is not computed, and nothing of it stays.
void ClosesWithWork() {
  Backend backend;
  std::atomic<int> ran{0};
  int32_t last = backend.Tensor(NewHandle(0));
  for (int i = 0; i < 500; i++)
    last = backend.Enqueue("Slow", {last}, 1, [&ran](TFE_Op &, TFE_TensorHandle **results, TF_Status *) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ran++;
      results[0] = NewHandle(0);
    });
  backend.map.Clear();
  Expect(ran < 500, "a backend that closes computes the rest of its queue");
}

// A program that reads nothing waits for its queue instead of filling the memory.
void WaitsForItsQueue() {
  Backend backend;
  std::atomic<int64_t> most{0};
  for (int i = 0; i < 20000; i++) {
    // 256 MB each, by its shape.
    const int32_t id = backend.Tensor(NewHandle(0, {64, 1024, 1024}));
    backend.map.Forget(backend.Enqueue(
        "Use", {id}, 1, [](TFE_Op &, TFE_TensorHandle **results, TF_Status *) { results[0] = NewHandle(0); }));
    backend.map.Forget(id);
    most = std::max<int64_t>(most, live_handles);
  }
  Expect(most <= 12, "values of at most a gibibyte wait: " + std::to_string(most) + " handles lived");
}

// References of a thread that has ended are not given to a later one, which often has the same std::thread::id.
void ReferencesOfEndedThreads() {
  acr::Reference *late = nullptr;
  std::set<std::thread::id> ids;
  for (int i = 0; i < 50; i++) {
    std::thread([&] {
      ids.insert(std::this_thread::get_id());
      acr::ReleaseDeferred();
      late = new acr::Reference();
      // One that comes back in time, from another thread.
      auto *other = new acr::Reference();
      std::thread([other] { Expect(acr::Defer(other), "a reference is put aside on another thread"); }).join();
      acr::ReleaseDeferred();
      auto *own = new acr::Reference();
      Expect(!acr::Defer(own), "a reference is released on its own thread");
      own->Cleanup();
      delete own;
      acr::ReleaseDeferred(true);
      *tfnodejs::NapiAutoRef::is_open = false;
    }).join();
    Expect(acr::Defer(late), "a reference comes back behind the end of its thread");
  }
  Expect(ids.size() < 50, "this system gives the numbers of threads again");
  Expect(tfnodejs::NapiAutoRef::bad_cleanups == 0, "no reference is released on another thread, or for a closed one");
  Expect(tfnodejs::NapiAutoRef::good_cleanups == 100, "the others are released");
  // What is left in the list is small; it is freed here so that leaks of others are seen.
  acr::Deferred &deferred = acr::DeferredReferences();
  for (auto *reference : deferred.list) delete reference;
  deferred.list.clear();
}

// Where no thread starts, since there is no address space for its stack, the results are the same.
void WithoutThreads() {
  int64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t size = static_cast<rlim_t>(pages) * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + (6 << 20);
  const rlimit limit{size, size};
  Expect(setrlimit(RLIMIT_AS, &limit) == 0, "the address space is limited");
  try {
    std::thread([] {}).join();
    Expect(false, "no thread starts");
  } catch (const std::system_error &) {
  }
  RandomGraphs(1, 2000);
}

}  // namespace

int main(int count, char **arguments) {
  if (count > 1 && std::strcmp(arguments[1], "--no-threads") == 0) {
    WithoutThreads();
  } else {
    for (unsigned seed = 0; seed < 20; seed++) RandomGraphs(seed, 3000);
    // Several environments of one process.
    std::vector<std::thread> environments;
    for (unsigned seed = 100; seed < 104; seed++) environments.emplace_back(RandomGraphs, seed, 3000);
    for (auto &thread : environments) thread.join();
    ClosesWithWork();
    WaitsForItsQueue();
    ReferencesOfEndedThreads();
  }
  Expect(live_handles == 0, std::to_string(live_handles) + " tensors are left");
  Expect(live_ops == 0, std::to_string(live_ops) + " operations are left");
  if (faults == 0) std::puts("all promises are kept");
  return faults == 0 ? 0 : 1;
}
