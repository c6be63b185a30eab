"""Each schedule against its formula, and against torch's scheduler where torch has the same one."""

import math
from collections.abc import Callable
from typing import Any, Literal

import pytest
import torch

from specc.tricks.schedule import drops, rate
from specc.values import Args, Bound, Percent

EPOCH, TOTAL = 10, 100

DEFAULTS: dict[str, dict[str, Any]] = {
    "constant": {"epochs": None},
    "warmup": {"from": 0.0},
    "cosine": {"to": 0.0, "epochs": None},
    "linear": {"to": 0.0, "epochs": None},
    "exponential": {"epochs": None},
    "restart": {"epochs": None, "factor": 1.0},
    "one_cycle": {"peak": Percent(0.3), "from": 0.04, "to": 4e-6, "epochs": None},
    "plateau": {"patience": 1, "gamma": 0.5, "threshold": 1e-4},
}


def piece(name: str, **args: Any) -> Bound:
    return Bound(name, Args(**{**DEFAULTS.get(name, {}), **args}))


def curve(*pieces: Bound, total: int = TOTAL) -> list[float]:
    return [rate(pieces, step, EPOCH, total) for step in range(total)]


def torch_curve(make: Callable[[torch.optim.Optimizer], Any], total: int = TOTAL) -> list[float]:
    """The learning rate that a torch scheduler, stepped after every step, gives to a base rate of 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    rates = []
    for _ in range(total):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


LR = torch.optim.lr_scheduler


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (piece("cosine"), lambda o: LR.CosineAnnealingLR(o, TOTAL)),
        (piece("cosine", to=0.1), lambda o: LR.CosineAnnealingLR(o, TOTAL, eta_min=0.1)),
        (piece("linear", to=0.25), lambda o: LR.LinearLR(o, 1.0, 0.25, TOTAL)),
        (piece("exponential", gamma=0.5), lambda o: LR.ExponentialLR(o, 0.5 ** (1 / EPOCH))),
        (piece("step", every=3.0, gamma=0.2), lambda o: LR.StepLR(o, 3 * EPOCH, 0.2)),
        (piece("step", every=Percent(0.3), gamma=0.2), lambda o: LR.StepLR(o, 30, 0.2)),
        (piece("multistep", epochs=(2.0, 7.0), gamma=0.1), lambda o: LR.MultiStepLR(o, [20, 70], 0.1)),
        (piece("one_cycle"), lambda o: LR.OneCycleLR(o, max_lr=1.0, total_steps=TOTAL)),
        (piece("one_cycle", peak=0.5), lambda o: LR.OneCycleLR(o, max_lr=1.0, total_steps=TOTAL, pct_start=0.5)),
    ],
)
def test_equals_torch(ours: Bound, theirs: Callable[[torch.optim.Optimizer], Any]) -> None:
    assert curve(ours) == pytest.approx(torch_curve(theirs), abs=1e-9)


def test_warmup_then_cosine_equals_torchs_sequence() -> None:
    def sequence(o: torch.optim.Optimizer) -> Any:
        pieces = [LR.LinearLR(o, 0.2, 1.0, 20), LR.CosineAnnealingLR(o, 80)]
        return LR.SequentialLR(o, pieces, milestones=[20])

    assert curve(piece("warmup", epochs=2.0, **{"from": 0.2}), piece("cosine")) == pytest.approx(
        torch_curve(sequence), abs=1e-9
    )


@pytest.mark.parametrize(("epochs", "factor", "to"), [(2.0, 1, 0.0), (1.0, 2, 0.1), (0.7, 3, 0.0), (3.0, 1, 0.0)])
def test_cosines_that_restart_equal_torchs(epochs: float, factor: int, to: float) -> None:
    ours = piece("cosine", epochs=epochs, to=to), piece("restart", factor=float(factor))
    first = round(epochs * EPOCH)
    theirs = torch_curve(lambda o: LR.CosineAnnealingWarmRestarts(o, first, factor, eta_min=to))
    assert curve(*ours) == pytest.approx(theirs, abs=1e-9)


def test_a_restart_behind_a_warmup_begins_at_one() -> None:
    factors = curve(piece("warmup", epochs=1.0), piece("linear", epochs=3.0), piece("restart"))
    falls = [1 - step / 30 for step in range(30)]
    assert factors[10:] == pytest.approx(falls * 3)


def test_a_piece_behind_a_restart_begins_where_the_repetition_ended() -> None:
    pieces = piece("linear", to=0.4, epochs=2.0), piece("restart", epochs=4.0), piece("constant")
    assert curve(*pieces)[60:] == pytest.approx([0.4] * 40)
    cut = piece("linear", to=0.4, epochs=2.0), piece("restart", epochs=3.0), piece("constant")
    assert curve(*cut)[50:] == pytest.approx([0.7] * 50)


@pytest.mark.parametrize("factor", [0.01, 0.5, 0.999999999, 1.0, 1.000000001, 1.5, 100.0])
@pytest.mark.parametrize("length", [0.0, 1e-9, 0.05, 0.3, 3.0, 20.0])
def test_restarts_of_any_length_stay_in_range(factor: float, length: float) -> None:
    pieces = piece("cosine", epochs=length), piece("restart", factor=factor)
    assert all(0 <= rate(pieces, step, EPOCH, 10**9) <= 1 for step in [*range(50), 10**5, 10**9 - 1])


def test_a_restart_that_shrinks_ends_below_a_step() -> None:
    """Halves of 8 steps: 4, 2 and 1, then nothing but the end of the last one."""
    pieces = piece("linear", epochs=0.8), piece("restart", factor=0.5)
    falls = [1 - step / 8 for step in range(8)] + [1, 0.75, 0.5, 0.25, 1, 0.5, 1]
    assert curve(*pieces) == pytest.approx(falls + [0] * (TOTAL - 15))


def test_warmup_starts_at_from_and_reaches_one_at_its_end() -> None:
    factors = curve(piece("warmup", epochs=5.0), piece("constant"))
    assert factors[:50] == pytest.approx([step / 50 for step in range(50)])
    assert factors[50:] == [1.0] * 50


def test_percent_is_of_the_whole_training() -> None:
    assert curve(piece("warmup", epochs=Percent(0.5)), piece("constant"))[25] == pytest.approx(0.5)


def test_triangle_of_airbench() -> None:
    """`warmup(23%, from=0.2) -> linear(to=0.07)` is np.interp over [0, 23, 100] of [0.2, 1, 0.07]."""
    factors = curve(piece("warmup", epochs=Percent(0.23), **{"from": 0.2}), piece("linear", to=0.07))
    expected = [0.2 + 0.8 * s / 23 if s < 23 else 1 - 0.93 * (s - 23) / 77 for s in range(TOTAL)]
    assert factors == pytest.approx(expected)


def test_a_piece_begins_where_the_one_before_ended() -> None:
    factors = curve(piece("linear", to=0.5, epochs=4.0), piece("constant", epochs=2.0), piece("cosine", to=0.1))
    assert factors[40:60] == pytest.approx([0.5] * 20)
    assert factors[80] == pytest.approx(0.1 + 0.4 * (1 + math.cos(math.pi / 2)) / 2)


def test_pieces_without_a_length_share_what_is_left() -> None:
    factors = curve(piece("warmup", epochs=2.0), piece("constant"), piece("linear"))
    assert factors[20:60] == pytest.approx([1.0] * 40)
    assert factors[80] == pytest.approx(0.5)


def test_multistep_counts_from_the_start_of_the_training_and_step_from_its_own() -> None:
    milestones = curve(piece("warmup", epochs=2.0), piece("multistep", epochs=(5.0,), gamma=0.1))
    assert (milestones[49], milestones[50]) == pytest.approx((1.0, 0.1))
    every = curve(piece("warmup", epochs=2.0), piece("step", every=5.0, gamma=0.1))
    assert (every[69], every[70]) == pytest.approx((1.0, 0.1))


def test_percent_milestones_fall_on_the_step_that_is_meant() -> None:
    """0.7 * 10 is 7.000000000000001: the drop is at step 7 all the same."""
    factors = curve(piece("multistep", epochs=(Percent(0.7),), gamma=0.1), total=10)
    assert factors == pytest.approx([1.0] * 7 + [0.1] * 3)


@pytest.mark.parametrize(("every", "per_epoch"), [(0.7, 10), (0.07, 100), (0.7, 30), (1.4, 5)])
def test_a_drop_within_an_epoch_falls_on_the_step_that_is_meant(every: float, per_epoch: int) -> None:
    """0.07 * 100 is 7.000000000000001: the drops are at steps 7, 14, 21 … all the same."""
    length = round(every * per_epoch)
    factors = [rate([piece("step", every=every, gamma=0.5)], step, per_epoch, 100) for step in range(100)]
    assert factors == [0.5 ** (step // length) for step in range(100)]


def test_the_last_factor_holds_after_the_last_piece() -> None:
    assert curve(piece("linear", to=0.5, epochs=1.0))[10:] == pytest.approx([0.5] * 90)


def test_pieces_longer_than_the_training_do_not_fail() -> None:
    factors = curve(piece("warmup", epochs=500.0), piece("cosine"))
    assert factors[-1] == pytest.approx(99 / 5000)


@pytest.mark.parametrize("total", [1, 2, 3])
def test_one_cycle_of_a_few_steps_stays_in_range(total: int) -> None:
    assert all(0 <= factor <= 1 for factor in curve(piece("one_cycle"), total=total))


FALLING = [1.0, 0.9, 0.95, 0.91, 0.9, 0.89999, 0.92, 0.5, 0.6, 0.7, 0.6, 0.55, 0.54, 0.7, 0.4]
RISING = [0.0, 0.1, 0.1, 0.3, 0.30001, 0.31, 0.2, 0.25, 0.5, 0.50003, 0.5001, 0.4, 0.9, 0.8, 0.7]


@pytest.mark.parametrize("threshold", [0.0, 1e-4, 0.1])
@pytest.mark.parametrize("patience", [0, 1, 3])
@pytest.mark.parametrize(("mode", "values"), [("min", FALLING), ("max", RISING)])
def test_plateau_equals_torchs(
    mode: Literal["min", "max"], values: list[float], patience: int, threshold: float
) -> None:
    """Figures that are better the higher cost their negatives, as -0.9 for an accuracy."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = LR.ReduceLROnPlateau(optimizer, mode, factor=0.5, patience=patience, threshold=threshold, eps=0)
    costs = [value if mode == "min" else -value for value in values]
    for epoch, value in enumerate(values, start=1):
        scheduler.step(value)
        expected = optimizer.param_groups[0]["lr"]
        assert 0.5 ** drops(costs[:epoch], patience, threshold) == expected
        plateau = piece("plateau", patience=patience, threshold=threshold)
        assert rate([plateau], epoch * EPOCH, EPOCH, 1000, costs[:epoch]) == pytest.approx(expected)


def test_a_cost_that_rises_from_below_0_to_above_is_worse() -> None:
    """As an R2 that falls from 0.5 to -0.5."""
    assert drops([-0.5, 0.5, 0.4], 0, 1e-4) == 2
    assert drops([0.5, 0.0, -0.5, -0.5], 0, 1e-4) == 1


def test_plateau_looks_only_at_the_epochs_of_its_piece() -> None:
    pieces = [piece("warmup", epochs=3.0), piece("plateau", patience=0)]
    assert rate(pieces, 40, EPOCH, TOTAL, [1.0, 1.0, 1.0, 1.0]) == 1.0
    assert rate(pieces, 50, EPOCH, TOTAL, [1.0, 1.0, 1.0, 1.0, 1.0]) == 0.5
