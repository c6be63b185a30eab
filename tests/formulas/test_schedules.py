"""Each schedule as it is written in a spec, step by step against its closed formula."""

from collections.abc import Callable
from math import cos, pi

import pytest

from specc.check import check
from specc.source import Source
from specc.tricks.schedule import rate

EPOCH, EPOCHS = 7, 10
TOTAL = EPOCH * EPOCHS


def curve(text: str, losses: tuple[float, ...] = ()) -> list[float]:
    """The factor of the learning rate at each step; of `losses` as many as epochs have ended are known."""
    checked = check(Source("n.cnn", f"network N {{ input(4); dense(2) }}\ntrain {{ schedule = {text} }}"))
    assert checked.train is not None and not checked.errors, checked.errors
    return [rate(checked.train.schedule, step, EPOCH, TOTAL, losses[: step // EPOCH]) for step in range(TOTAL)]


def half_cosine(first: float, last: float, part: float) -> float:
    """Loshchilov and Hutter, 2016, equation 5."""
    return last + (first - last) * (1 + cos(pi * part)) / 2


def pieces(t: float, *ends: tuple[float, Callable[[float], float]]) -> float:
    """f(t - start) of the piece in which t lies; pieces are given by where they end."""
    start = 0.0
    for end, f in ends:
        if t < end:
            return f(t - start)
        start = end
    return ends[-1][1](start)


# The factor at t epochs (of 10, each of 7 steps) after the start.
CURVES: dict[str, Callable[[float], float]] = {
    "constant": lambda t: 1.0,
    "linear": lambda t: 1 - t / 10,
    "linear(to=0.2)": lambda t: 1 - 0.8 * t / 10,
    "linear(to=1.5, epochs=4)": lambda t: 1 + 0.5 * min(t, 4) / 4,
    "cosine": lambda t: half_cosine(1, 0, t / 10),
    "cosine(to=0.05)": lambda t: half_cosine(1, 0.05, t / 10),
    "cosine(epochs=50%)": lambda t: half_cosine(1, 0, min(t, 5) / 5),
    "exponential(0.8)": lambda t: 0.8**t,
    "exponential(0.8, epochs=3)": lambda t: 0.8 ** min(t, 3),
    "step(3, gamma=0.5)": lambda t: 0.5 ** int(t / 3 + 1e-9),
    "step(20%)": lambda t: 0.1 ** int(t / 2 + 1e-9),
    "multistep([2, 50%, 9], gamma=0.3)": lambda t: 0.3 ** sum(t >= at - 1e-9 for at in (2, 5, 9)),
    "warmup(4)": lambda t: min(t / 4, 1.0),
    "warmup(4, from=0.2)": lambda t: min(0.2 + 0.8 * t / 4, 1.0),
    "warmup(25%) -> constant": lambda t: min(t / 2.5, 1.0),
    "warmup(2) -> cosine": lambda t: pieces(t, (2, lambda s: s / 2), (10, lambda s: half_cosine(1, 0, s / 8))),
    "warmup(23%, from=0.2) -> linear(to=0.07)": lambda t: pieces(  # airbench's triangle
        t, (2.3, lambda s: 0.2 + 0.8 * s / 2.3), (10, lambda s: 1 - 0.93 * s / 7.7)
    ),
    "warmup(1) -> constant(4) -> linear": lambda t: pieces(
        t, (1, lambda s: s), (5, lambda s: 1.0), (10, lambda s: 1 - s / 5)
    ),
    "warmup(2) -> step(3, gamma=0.5)": lambda t: pieces(
        t, (2, lambda s: s / 2), (10, lambda s: 0.5 ** int(s / 3 + 1e-9))
    ),
    "warmup(2) -> multistep([5], gamma=0.5)": lambda t: t / 2 if t < 2 else 1.0 if t < 5 - 1e-9 else 0.5,
    "linear(to=0.5, epochs=4) -> exponential(0.9)": lambda t: pieces(
        t, (4, lambda s: 1 - 0.5 * s / 4), (10, lambda s: 0.5 * 0.9**s)
    ),
    "cosine(to=0.5, epochs=30%) -> cosine(to=0.1)": lambda t: pieces(
        t, (3, lambda s: half_cosine(1, 0.5, s / 3)), (10, lambda s: half_cosine(0.5, 0.1, s / 7))
    ),
    "cosine(epochs=2) -> restart": lambda t: half_cosine(1, 0, t % 2 / 2),
    "cosine(epochs=1, to=0.1) -> restart(factor=2)": lambda t: pieces(
        t,
        (1, lambda s: half_cosine(1, 0.1, s)),
        (3, lambda s: half_cosine(1, 0.1, s / 2)),
        (7, lambda s: half_cosine(1, 0.1, s / 4)),
        (15, lambda s: half_cosine(1, 0.1, s / 8)),
    ),
    "cosine(epochs=2) -> restart(epochs=4, factor=2) -> linear(to=1)": lambda t: pieces(
        t,
        (2, lambda s: half_cosine(1, 0, s / 2)),
        (6, lambda s: half_cosine(1, 0, s / 4)),
        (10, lambda s: s / 4),
    ),
    "warmup(1) -> linear(epochs=3) -> restart(60%)": lambda t: pieces(
        t, (1, lambda s: s), (4, lambda s: 1 - s / 3), (7, lambda s: 1 - s / 3), (10, lambda s: 1 - s / 3)
    ),
    "constant -> linear": lambda t: pieces(t, (5, lambda s: 1.0), (10, lambda s: 1 - s / 5)),
}


@pytest.mark.parametrize("text", CURVES)
def test_every_step_is_on_the_curve(text: str) -> None:
    assert curve(text) == pytest.approx([CURVES[text](step / EPOCH) for step in range(TOTAL)], rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(("text", "peak", "start", "end"), [
    ("one_cycle", 0.3, 0.04, 4e-6),
    ("one_cycle(peak=50%, from=0.1, to=0.01)", 0.5, 0.1, 0.01),
])  # fmt: skip
def test_one_cycle_is_two_half_cosines(text: str, peak: float, start: float, end: float) -> None:
    """Up to the step before `peak` of the steps, down to the last step, both of which are on the curve."""
    top = peak * TOTAL - 1
    expected = [
        half_cosine(start, 1, step / top) if step <= top else half_cosine(1, end, (step - top) / (TOTAL - 1 - top))
        for step in range(TOTAL)
    ]
    found = curve(text)
    assert found == pytest.approx(expected, rel=1e-12)
    assert (found[0], max(found), found[-1]) == pytest.approx((start, 1.0, end))


def test_plateau_drops_after_patience() -> None:
    """Losses of the epochs 1 to 10; with patience 1 the second epoch in a row without improvement drops."""
    losses = (1.0, 0.9, 0.95, 0.92, 0.8, 0.8, 0.8, 0.8, 0.8, 0.7)
    drops_after = [0, 0, 0, 1, 1, 1, 2, 2, 3]
    found = curve("plateau(patience=1, gamma=0.5)", losses)
    assert found[:EPOCH] == [1.0] * EPOCH
    for epoch, drops in enumerate(drops_after, start=1):
        assert found[epoch * EPOCH : (epoch + 1) * EPOCH] == [0.5**drops] * EPOCH


def test_every_schedule_of_the_vocabulary_has_its_curve() -> None:
    from specc.tricks import COMPONENTS

    tried = " ".join([*CURVES, "one_cycle", "plateau"])
    assert all(name in tried for name in COMPONENTS["schedule"])
