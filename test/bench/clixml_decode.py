"""How fast pypsrp deserializes the CLIXML document of a file: megabytes a second, in the middle of some rounds."""

import statistics
import sys
import time

from pypsrp.serializer import Serializer

with open(sys.argv[1], encoding="utf-8") as file:
    text = file.read()
size = len(text.encode("utf-8"))


def measure(seconds):
    began = time.perf_counter()
    decoded = 0
    while time.perf_counter() - began < seconds:
        # It remembers what it has read, so that each document needs another one.
        Serializer().deserialize(text)
        decoded += size
    return decoded / 1e6 / (time.perf_counter() - began)


measure(0.15)
print(statistics.median(measure(0.15) for _ in range(7)))
