"""How fast pypsrp deserializes the CLIXML document of a file: megabytes a second of CPU time, in the middle of some rounds."""

import statistics
import sys
import time

from pypsrp.serializer import Serializer

with open(sys.argv[1], encoding="utf-8") as file:
    text = file.read()
size = len(text.encode("utf-8"))


def measure(seconds):
    began = time.process_time()
    decoded = 0
    while time.process_time() - began < seconds:
        # It remembers what it has read, so that each document needs another one.
        Serializer().deserialize(text)
        decoded += size
    return decoded / 1e6 / (time.process_time() - began)


measure(0.15)
print(statistics.median(measure(0.15) for _ in range(7)))
