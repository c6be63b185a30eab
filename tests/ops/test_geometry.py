"""Windows over maps, against brute force."""

from hypothesis import given
from hypothesis import strategies as st

from specc.ops.geometry import divisors, effective, few, pads_of, slide, slide_up
from specc.values import Size

SMALL = st.integers(1, 12)


@given(length=SMALL, kernel=SMALL, dilation=st.integers(1, 3), stride=st.integers(1, 4))
def test_same_gives_length_over_stride_rounded_up(length: int, kernel: int, dilation: int, stride: int) -> None:
    top, bottom, left, right = pads_of("same", Size(kernel, 1), Size(dilation, 1))
    window = effective(kernel, dilation)
    assert top + bottom == window - 1
    assert top == (window - 1) // 2
    assert (left, right) == (0, 0)
    assert slide(length, window, stride, top + bottom) == -(length // -stride)


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
