"""The same as serve.mjs for the engines in Python."""
import json, resource, statistics, sys, time


def serve(step, batch, version):
    begun = time.perf_counter()
    steps = 0
    while steps < 2 or time.perf_counter() - begun < 1:
        step()
        steps += 1
    print(json.dumps({"version": version}), flush=True)
    for line in sys.stdin:
        step()
        times = []
        for _ in range(int(line)):
            started = time.perf_counter()
            step()
            times.append((time.perf_counter() - started) * 1000 / batch)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"ms": statistics.median(times), "peakMemoryMb": peak}), flush=True)
