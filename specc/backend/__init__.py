"""The floor that imports torch, onnx and onnxruntime."""

import os

# OpenMP's threads wait for each other by spinning. As soon as anything else runs on the processor, that makes a
# training many times slower (measured on two cores, beside two busy programs: 160 images/s instead of 450, and as many
# as ever where nothing else runs). So they spin for microseconds, then sleep.
# It is read when torch is loaded, which only this package does.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
