"""The floor that imports torch, onnx and onnxruntime."""

import os

# OpenMP's threads wait for each other by spinning. As soon as anything else runs on the processor, that makes a
# training many times slower (measured on two cores at a load of 10, a small network: 550 images/s with a count of
# 10000, 2,500 to 4,000 with 1000, and on the idle machine 13,000 with either). So they spin for microseconds, then
# sleep. It changes no result.
# It is read when torch is loaded, which only this package does.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
