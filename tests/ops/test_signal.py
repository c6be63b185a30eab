"""The arithmetic behind the predicted signal."""

import math

import pytest

from specc.ops import OPS
from specc.ops.signal import PASS, Gradient, Moments, Site, average, covariance
from specc.values import Args, Size

X = Moments(0.0, 1.0, 0.4, 0.1)


def relu(x: float) -> float:
    return max(x, 0.0)


def site(name: str, x: Moments = X, shape=(8, 4, 4), y=(8, 4, 4), **args) -> Site:
    given = {param.name: param.default for param in OPS[name].params} | args
    return Site([x], Args(**given), [shape], y)


@pytest.mark.parametrize("deviation", [0.01, 0.3, 1.0, 5.0])
def test_averages_over_normal_numbers(deviation):
    assert average(lambda x: x, 2.0, deviation) == pytest.approx(2.0)
    assert average(lambda x: x * x, 0.0, deviation) == pytest.approx(deviation**2, rel=1e-3)
    assert average(relu, 0.0, deviation) == pytest.approx(deviation / math.sqrt(2 * math.pi), rel=0.03)
    assert average(lambda x: relu(x) ** 2, 0.0, deviation) == pytest.approx(deviation**2 / 2, rel=1e-3)


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.9, 1.0])
def test_covariances_of_relu(correlation):
    """The arc-cosine kernel of Cho and Saul (2009)."""
    angle = math.acos(correlation)
    exact = (math.sin(angle) + (math.pi - angle) * correlation) / (2 * math.pi)
    assert covariance(relu, 0.0, 1.0, correlation) == pytest.approx(exact, abs=0.02)


def test_a_wide_distribution_does_not_step_over_a_bend():
    """Of a sigmoid of numbers with deviation 100 next to nothing is between 0.1 and 0.9, but it is not nothing."""
    share = average(lambda x: float(abs(x) < 3), 0.0, 100.0)
    assert share == pytest.approx(6 / (100 * math.sqrt(2 * math.pi)), rel=0.15)


def test_what_normalization_leaves():
    raised = Moments(3.0, 10.0, 9.6, 9.2)
    batch = OPS["batch_norm"].signal.forward(site("batch_norm", raised))
    assert batch == pytest.approx((0.0, 1.0, 0.5, 0.0), abs=1e-4)
    instance = OPS["instance_norm"].signal.forward(site("instance_norm", raised))
    assert instance == pytest.approx((0.0, 1.0, 0.0, 0.0), abs=1e-4)
    group = OPS["group_norm"].signal.forward(site("group_norm", raised))
    assert group == pytest.approx((0.0, 1.0, 0.6, 0.2), abs=1e-4)


def test_a_norm_divides_the_gradient_by_the_deviation():
    [g] = OPS["batch_norm"].signal.backward(site("batch_norm", Moments(0.0, 4.0, 0.0, 0.0)), Gradient(1.0, 0.5))
    assert g == pytest.approx((0.25, 0.125), rel=1e-4)


def test_pooling():
    pool = OPS["global_avg_pool"].signal
    at = site("global_avg_pool", y=(8, 1, 1))
    assert pool.forward(at).square == pytest.approx((1.0 + 15 * 0.4) / 16)
    [g] = pool.backward(at, Gradient(1.0, 1.0))
    assert g == pytest.approx((1 / 256, 1 / 256))  # each place gets the same sixteenth
    at = site("max_pool", y=(8, 2, 2), size=Size(2, 2))
    highest = OPS["max_pool"].signal.forward(at)
    assert highest.mean > 0.5 and highest.square > 1.0
    [g] = OPS["max_pool"].signal.backward(at, Gradient(1.0, 0.0))
    assert g == (0.25, 0.0)


def test_joining():
    pair = Site([Moments(1.0, 2.0, 1.5, 1.0), Moments(1.0, 2.0, 1.5, 1.0)], Args(), [(4, 2, 2)] * 2, (4, 2, 2))
    assert OPS["add"].signal.forward(pair) == (2.0, 6.0, 5.0, 4.0)
    assert OPS["multiply"].signal.forward(pair) == (1.0, 4.0, 2.25, 1.0)
    assert OPS["concat"].signal.forward(pair._replace(y=(8, 2, 2))) == (1.0, 2.0, 1.5, 1.0)
    assert OPS["add"].signal.backward(pair, Gradient(1.0, 0.0)) == [Gradient(1.0, 0.0)] * 2


def test_a_gate_gathers_the_gradient_of_all_places():
    gate = Site([X, X], Args(), [(8, 4, 4), (8, 1, 1)], (8, 4, 4))
    _, gathered = OPS["multiply"].signal.backward(gate, Gradient(1.0, 0.0))
    assert gathered.square == pytest.approx(16 * X.square)


def test_flattening_gives_each_place_weights_of_its_own():
    [g] = PASS.backward(Site([X], Args(), [(8, 4, 4)], (128,)), Gradient(1.0, 0.7))
    assert g == (1.0, 0.0)


def test_dropout_enlarges_what_it_keeps():
    assert OPS["dropout"].signal.forward(site("dropout", p=0.5)) == (0.0, 2.0, 0.4, 0.1)
    assert OPS["spatial_dropout"].signal.forward(site("spatial_dropout", p=0.5)) == (0.0, 2.0, 0.8, 0.1)
