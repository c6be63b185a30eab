"""The floor that imports torch, onnx and onnxruntime."""

import os

# OpenMP's threads wait for each other by spinning. As soon as anything else runs on the processor, that makes a
# training many times slower (measured on two cores: 100 images/s instead of 500); sleeping costs microseconds.
# It is read when torch is loaded, which only this package does.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
