"""A client under measurement: answers the questions on standard input, a line of JSON each (Wire.ts says which)."""

import json
import resource
import sys
import threading
import time


def target():
    return json.loads(sys.argv[1])


def _measured(work):
    millis = []
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.perf_counter()
    work(millis)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"millis": millis, "wallMillis": wall * 1e3, "cpuMicros": cpu * 1e6}


def _timed(call, length, millis):
    began = time.perf_counter()
    got = call(length)
    millis.append((time.perf_counter() - began) * 1e3)
    if got < length:
        raise RuntimeError(f"{got} characters of {length}")


def serve(opening):
    """`opening`: opens a session; answers what calls Get-Text on it, and what closes it."""
    callers = []

    def cold(length, millis):
        began = time.perf_counter()
        call, close = opening()
        call(length)
        millis.append((time.perf_counter() - began) * 1e3)
        close()

    def run(question, millis):
        def loop(call):
            for _ in range(-(-question["calls"] // question["callers"])):
                _timed(call, question["length"], millis)
                if question["pauseMillis"] > 0:
                    time.sleep(question["pauseMillis"] / 1e3)

        used = callers[: question["callers"]]
        if len(used) == 1:
            return loop(used[0][0])
        threads = [threading.Thread(target=loop, args=(call,)) for call, _ in used]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    for line in sys.stdin:
        question = json.loads(line)
        answer = {}
        if question["op"] == "open":
            while len(callers) < question["callers"]:
                callers.append(opening())
        elif question["op"] == "cold":
            answer = _measured(lambda millis: cold(question["length"], millis))
        else:
            answer = _measured(lambda millis: run(question, millis))
        print(json.dumps(answer), flush=True)
    for _, close in callers:
        close()
