"""Shapes: `(channels, height, width)` or `(length,)`."""

Shape = tuple[int, ...]


def size_text(shape: Shape) -> str:
    """`64 x 32 x 32` or `512`, as messages and tables print shapes."""
    return " x ".join(map(str, shape))
