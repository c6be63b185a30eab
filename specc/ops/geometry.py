"""The arithmetic of windows that slide over a map, and the limits on sizes. Every size is in pixels."""

from functools import cache
from math import isqrt

from specc.values import Args, Size
from specc.vocabulary.kinds import Either, SizeOf, Symbols
from specc.vocabulary.problem import Problem
from specc.vocabulary.shape import Shape, size_text

MAX_ELEMENTS = 2**34  # of a tensor, per image: 69 GB, which with its gradient no device holds

PADDING = Either(Symbols("same", "same_upper"), SizeOf(0))

Pads = tuple[int, int, int, int]  # top, bottom, left, right


def bounded(shape: Shape, layer: str, param: str = "", what: str = "numbers per image") -> Shape:
    """The shape itself; `Problem` E310 where it holds more than MAX_ELEMENTS, which are called `what`."""
    elements = 1
    for length in shape:
        elements *= length
    if elements > MAX_ELEMENTS:
        raise Problem(
            "E310",
            f"`{layer}` would have {size_text(shape)} = {elements:.3g} {what}; the limit is {MAX_ELEMENTS:.3g}",
            param=param,
            help="a size in this call is far too large",
        )
    return shape


def effective(kernel: int, dilation: int) -> int:
    """How many pixels a dilated kernel spans."""
    return dilation * (kernel - 1) + 1


def window_of(a: Args) -> Size:
    """The pixels that the kernel of a convolution spans."""
    return Size(effective(a.kernel.height, a.dilation.height), effective(a.kernel.width, a.dilation.width))


def pads_of(x: Shape, a: Args) -> Pads:
    """Top, bottom, left and right padding of a convolution over a map of shape `x`.

    `same` is k - 1 pixels in all, (k - 1) // 2 of them before.
    """
    if isinstance(a.padding, Size):
        return a.padding.height, a.padding.height, a.padding.width, a.padding.width
    window = window_of(a)
    if a.padding == "same_upper":
        return upper_pads(x, window, a.stride)
    tall, wide = window.height - 1, window.width - 1
    return tall // 2, tall - tall // 2, wide // 2, wide - wide // 2


def upper_pads(x: Shape, window: Size, stride: Size) -> Pads:
    """The padding of TensorFlow's and Keras's "SAME": as little as ceil(length / stride) windows need, half of it
    before, an odd pixel after."""
    tall, wide = (
        max((-(length // -step) - 1) * step + size - length, 0)
        for length, size, step in zip(x[1:], window, stride, strict=True)
    )
    return tall // 2, tall - tall // 2, wide // 2, wide - wide // 2


def is_upper(padding: Size | str, window: Size, stride: Size) -> bool:
    """Whether it is `same_upper` of a window whose padding depends on the size of the map."""
    return padding == "same_upper" and any(k > 1 and s > 1 for k, s in zip(window, stride, strict=True))


def slide(length: int, window: int, stride: int, pad: int) -> int:
    """How many positions a window has over `length` pixels with `pad` more in all; 0 or less where it does not fit."""
    return (length + pad - window) // stride + 1


def slide_up(length: int, window: int, stride: int, pad: int) -> int:
    """The same rounded up, as `ceil=true` asks: the last window must begin in the map or the padding before it.

    `pad` is on each side. PyTorch's rule (`pooling_output_shape` in ATen).
    """
    count = -((length + 2 * pad - window) // -stride) + 1
    return count - 1 if (count - 1) * stride >= length + pad else count


def window_problem(layer: str, x: Shape, window: Size, pads: Pads, param: str, padding: bool = True) -> Problem:
    """`Problem` E303: the window is larger than the padded map. The help names the padding or window that fits."""
    _, height, width = x
    top, bottom, left, right = pads
    padded = f" ({height + top + bottom} x {width + left + right} with padding)" if any(pads) else ""
    need = Size(max(0, -((window.height - height) // -2)), max(0, -((window.width - width) // -2)))
    largest = Size(min(window.height, height), min(window.width, width))
    return Problem(
        "E303",
        f"the {window.height} x {window.width} window of `{layer}` does not fit "
        f"into its {height} x {width} input{padded}",
        param=param,
        help=(f"use `padding={need}`, " if padding else "use ")
        + f"a window of at most {largest}, or less downsampling before this layer",
    )


@cache
def divisors(*numbers: int) -> list[int]:
    """All numbers that divide each of `numbers`, ascending; of numbers beyond 16 million only the ends of the list."""
    smallest = min(numbers)
    low = [d for d in range(1, min(isqrt(smallest), 4096) + 1) if smallest % d == 0]
    candidates = sorted({*low, *(smallest // d for d in low)})
    return [d for d in candidates if all(number % d == 0 for number in numbers)]


def few(numbers: list[int], limit: int = 12) -> str:
    """`1, 2, 4` for a message; the middle of a long list is left out."""
    if len(numbers) > limit:
        return ", ".join(map(str, numbers[: limit - 2])) + ", …, " + str(numbers[-1])
    return ", ".join(map(str, numbers))
