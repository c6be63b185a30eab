"""The floor that imports torch, onnx and onnxruntime."""

import logging
import os

from specc.errors import SpeccError

# OpenMP's threads wait for each other by spinning. As soon as anything else runs on the processor, that makes a
# training many times slower (measured on two cores at a load of 10, a small network: 550 images/s with a count of
# 10000, 2,500 to 4,000 with 1000, and on the idle machine 13,000 with either). So they spin for microseconds, then
# sleep. It changes no result.
# It is read when torch is loaded, which only this package does.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

# Of several processes, each would print a library's warnings about the others.
if {"RANK", "SLURM_PROCID"} & os.environ.keys():
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")

# Newer versions of onnxruntime report their use to their makers, on Linux too. Nothing is reported from here.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# Where the home is not writable, matplotlib keeps its cache elsewhere, and warns of it.
logging.getLogger("matplotlib").setLevel(logging.ERROR)

# Without a working directory MKL ends the process, when torch is loaded.
try:
    os.getcwd()  # noqa: PTH109 - the cheapest way to ask
except OSError:
    raise SpeccError(
        "E478", "the working directory does not exist anymore", help="change to a folder that exists"
    ) from None
