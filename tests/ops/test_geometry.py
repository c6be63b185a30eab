"""Windows over maps, against brute force."""

from hypothesis import given
from hypothesis import strategies as st

from specc.ops.geometry import divisors, effective, few, is_upper, pads_of, slide, slide_up, upper_pads
from specc.values import Args, Size

SMALL = st.integers(1, 12)


@given(length=SMALL, kernel=SMALL, dilation=st.integers(1, 3), stride=st.integers(1, 4))
def test_same_gives_length_over_stride_rounded_up(length: int, kernel: int, dilation: int, stride: int) -> None:
    a = Args(padding="same", kernel=Size(kernel, 1), dilation=Size(dilation, 1), stride=Size(stride, 1))
    top, bottom, left, right = pads_of((1, length, 1), a)
    window = effective(kernel, dilation)
    assert top + bottom == window - 1
    assert top == (window - 1) // 2
    assert (left, right) == (0, 0)
    assert slide(length, window, stride, top + bottom) == -(length // -stride)


@given(length=SMALL, kernel=SMALL, dilation=st.integers(1, 3), stride=st.integers(1, 4))
def test_same_upper_is_the_least_that_gives_length_over_stride_rounded_up(
    length: int, kernel: int, dilation: int, stride: int
) -> None:
    """Half of it before, an odd pixel after; and `same` where the stride is 1."""
    a = Args(padding="same_upper", kernel=Size(1, kernel), dilation=Size(1, dilation), stride=Size(1, stride))
    top, bottom, left, right = pads_of((1, 1, length), a)
    window, wanted = effective(kernel, dilation), -(length // -stride)
    fitting = [pad for pad in range(window) if slide(length, window, stride, pad) == wanted]
    assert (top, bottom) == (0, 0)
    assert left + right == min(fitting) and right - left in (0, 1)
    if stride == 1:
        assert (0, 0, left, right) == pads_of((1, 1, length), Args(**(a.as_dict() | {"padding": "same"})))
    if not is_upper("same_upper", Size(1, window), Size(1, stride)):
        assert all(upper_pads((1, 1, n), Size(1, window), Size(1, stride)) == (0, 0, left, right) for n in range(1, 20))


@given(length=SMALL, window=SMALL, stride=SMALL, pad=st.integers(0, 6))
def test_windows_are_counted(length: int, window: int, stride: int, pad: int) -> None:
    pad = min(pad, window // 2)
    whole = [start for start in range(-pad, length + pad, stride) if start + window <= length + pad]
    assert max(0, slide(length, window, stride, 2 * pad)) == len(whole)
    if whole:  # rounded up: one more where pixels are left over and it begins before the padding at the end
        more = whole[-1] + window < length + pad and whole[-1] + stride < length
        assert slide_up(length, window, stride, pad) == len(whole) + more


@given(st.integers(1, 500), st.integers(1, 500))
def test_divisors(a: int, b: int) -> None:
    assert divisors(a, b) == [d for d in range(1, 501) if a % d == 0 and b % d == 0]


def test_long_lists_are_cut() -> None:
    assert few([1, 2, 4]) == "1, 2, 4"
    assert few(list(range(100))).endswith("9, …, 99")
