"""The only floor that imports torch, onnx and onnxruntime."""

import os

# torch's threads wait for each other after every layer, spinning. As long as GNU OpenMP lets them by default, another
# busy program makes a training many times slower; this long (about 10 us) costs nothing where there is none.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
