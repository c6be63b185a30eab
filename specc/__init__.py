"""specc: a compiler for convolutional networks, from a `.cnn` file to a verified ONNX model."""

__version__ = "0.1.0"
