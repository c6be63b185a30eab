"""Each optimizer as its paper writes it, step by step in float64: kernels, and biases that no weight decay reaches."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from specc.backend.build import build
from specc.backend.engine.muon import orthogonal
from specc.backend.engine.optimizers import Optimizers, learning, param_rules
from specc.backend.initialize import initialize
from specc.check import check
from specc.source import Source
from specc.vocabulary.family import Wrapper

Numbers = NDArray[np.float64]
STEPS = 6

# A rule takes the weight, its gradients one after the other, and the decay, and gives the weight after each step.
Rule = Callable[[Numbers, list[Numbers], float], Iterator[Numbers]]


def sgd(lr: float, momentum: float = 0.0, nesterov: bool = False) -> Rule:
    """Sutskever et al., 2013, as torch has it: b <- m b + g, w <- w - lr b; with Nesterov's, w <- w - lr (g + m b)."""

    def rule(w: Numbers, gradients: list[Numbers], decay: float) -> Iterator[Numbers]:
        b = np.zeros_like(w)
        for g in gradients:
            g = g + decay * w
            b = momentum * b + g
            w = w - lr * (g + momentum * b if nesterov else b)
            yield w

    return rule


def adam(lr: float, b1: float, b2: float, eps: float, decoupled: bool = False, amsgrad: bool = False) -> Rule:
    """Kingma and Ba, 2014, algorithm 1; decoupled: Loshchilov and Hutter, 2017; amsgrad: Reddi et al., 2018."""

    def rule(w: Numbers, gradients: list[Numbers], decay: float) -> Iterator[Numbers]:
        m, v, largest = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
        for t, g in enumerate(gradients, start=1):
            if decoupled:
                w = w - lr * decay * w
            else:
                g = g + decay * w
            m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
            largest = np.maximum(largest, v)
            w = w - lr * (m / (1 - b1**t)) / (np.sqrt((largest if amsgrad else v) / (1 - b2**t)) + eps)
            yield w

    return rule


def rmsprop(lr: float, alpha: float, eps: float, momentum: float = 0.0, centered: bool = False) -> Rule:
    """Hinton, 2012, lecture 6e; centered: Graves, 2013."""

    def rule(w: Numbers, gradients: list[Numbers], decay: float) -> Iterator[Numbers]:
        v, mean, b = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
        for g in gradients:
            g = g + decay * w
            v, mean = alpha * v + (1 - alpha) * g**2, alpha * mean + (1 - alpha) * g
            b = momentum * b + g / (np.sqrt(v - mean**2 if centered else v) + eps)
            w = w - lr * b
            yield w

    return rule


def lamb(lr: float, b1: float, b2: float, eps: float) -> Rule:
    """You et al., 2019, algorithm 2; the ratio of the norms is 1 where one of them is zero."""

    def rule(w: Numbers, gradients: list[Numbers], decay: float) -> Iterator[Numbers]:
        m, v = np.zeros_like(w), np.zeros_like(w)
        for t, g in enumerate(gradients, start=1):
            m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
            r = (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps) + decay * w
            size, length = np.linalg.norm(w), np.linalg.norm(r)
            w = w - lr * (size / length if size and length else 1.0) * r
            yield w

    return rule


CASES: dict[str, tuple[Rule, float]] = {
    "sgd(0.1)": (sgd(0.1), 0.0),
    "sgd(0.1, weight_decay=0.3)": (sgd(0.1), 0.3),
    "sgd(0.1, momentum=0.9, weight_decay=0.3)": (sgd(0.1, 0.9), 0.3),
    "sgd(0.1, momentum=0.8, nesterov=true, weight_decay=0.3)": (sgd(0.1, 0.8, True), 0.3),
    "adam": (adam(1e-3, 0.9, 0.999, 1e-8), 0.0),
    "adam(0.1, betas=[0.8, 0.9], eps=1e-3, weight_decay=0.3)": (adam(0.1, 0.8, 0.9, 1e-3), 0.3),
    "adam(0.1, amsgrad=true)": (adam(0.1, 0.9, 0.999, 1e-8, amsgrad=True), 0.0),
    "adamw": (adam(1e-3, 0.9, 0.999, 1e-8, decoupled=True), 1e-2),
    "adamw(0.1, betas=[0.8, 0.9], weight_decay=0.3)": (adam(0.1, 0.8, 0.9, 1e-8, decoupled=True), 0.3),
    "rmsprop": (rmsprop(1e-2, 0.99, 1e-8), 0.0),
    "rmsprop(0.1, alpha=0.8, eps=1e-3, weight_decay=0.3)": (rmsprop(0.1, 0.8, 1e-3), 0.3),
    "rmsprop(0.1, momentum=0.7, centered=true)": (rmsprop(0.1, 0.99, 1e-8, 0.7, True), 0.0),
    "lamb": (lamb(1e-3, 0.9, 0.999, 1e-6), 1e-2),
    "lamb(0.1, betas=[0.8, 0.9], eps=1e-3, weight_decay=0.3)": (lamb(0.1, 0.8, 0.9, 1e-3), 0.3),
}


def stepped(optimizer: str) -> tuple[dict[str, list[Numbers]], dict[str, Numbers], dict[str, list[Numbers]]]:
    """The weights after each step, at the start, and their gradients, of a network with kernels, biases and a norm."""
    network = "network N { input(2, 5x5); conv(6) -> batch_norm -> relu -> flatten -> dense(3) }"
    checked = check(Source("net.cnn", f"{network}\ntrain {{ optimizer = {optimizer} }}"))
    assert checked.graph is not None and checked.train is not None, checked.errors
    net = build(checked.graph)
    initialize(net, 0)
    weights = learning(net.double())
    mover = Optimizers(weights, param_rules(checked.graph, checked.train, weights))
    random = np.random.default_rng(0)
    gradients = {name: [random.normal(0, 1, tuple(w.shape)) for _ in range(STEPS)] for name, w in weights.items()}
    start = {name: weight.detach().numpy().copy() for name, weight in weights.items()}
    after: dict[str, list[Numbers]] = {name: [] for name in weights}
    for step in range(STEPS):
        for name, weight in weights.items():
            weight.grad = torch.from_numpy(gradients[name][step].copy())
        mover.step()
        for name, weight in weights.items():
            after[name].append(weight.detach().numpy().copy())
    return after, start, gradients


@pytest.mark.parametrize("optimizer", CASES)
def test_every_step_is_the_papers(optimizer: str) -> None:
    rule, decay = CASES[optimizer]
    after, start, gradients = stepped(optimizer)
    assert len(after) == 5  # two kernels, a bias, a scale and a shift
    for name, found in after.items():
        is_kernel = name in ("conv1.weight", "dense1.weight")
        for mine, theirs in zip(found, rule(start[name], gradients[name], decay if is_kernel else 0.0), strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12, err_msg=name)


def polynomial(s: Numbers, steps: int) -> Numbers:
    """Jordan, 2024: what an iteration does to a singular value."""
    for _ in range(steps):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    return s


@pytest.mark.parametrize("shape", [(6, 18), (18, 6), (5, 5), (1, 7), (3, 1)], ids=str)
@pytest.mark.parametrize("steps", [1, 5])
def test_newton_schulz_moves_the_singular_values_and_nothing_else(shape: tuple[int, int], steps: int) -> None:
    """U S V^T becomes U p(S / |S|) V^T."""
    matrices = np.random.default_rng(1).normal(0, 3, (4, *shape))
    found = orthogonal(torch.from_numpy(matrices), steps, torch.float64).numpy()
    u, s, v = np.linalg.svd(matrices, full_matrices=False)
    moved = polynomial(s / np.linalg.norm(s, axis=1, keepdims=True), steps)
    np.testing.assert_allclose(found, (u * moved[:, None, :]) @ v, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("nesterov", [True, False])
def test_muon(nesterov: bool) -> None:
    """B <- m B + (1 - m) G; W <- (1 - lr d) W - lr sqrt(max(1, rows / columns)) orthogonal(B or m B + (1 - m) G).

    Orthogonal matrices are worked out in half the digits where the processor does that fast: hence 5%.
    """
    lr, momentum, decay = 0.05, 0.9, 0.2
    flag = str(nesterov).lower()
    text = f"muon({lr}, momentum={momentum}, nesterov={flag}, weight_decay={decay}, others=sgd(0.1))"
    after, start, gradients = stepped(text)
    w, b = start["conv1.weight"], np.zeros_like(start["conv1.weight"])
    for mine, g in zip(after["conv1.weight"], gradients["conv1.weight"], strict=True):
        b = momentum * b + (1 - momentum) * g
        moving = momentum * b + (1 - momentum) * g if nesterov else b
        u, s, v = np.linalg.svd(moving.reshape(6, -1), full_matrices=False)
        step = (u * polynomial(s / np.linalg.norm(s), 5)) @ v
        expected = (1 - lr * decay) * w - lr * step.reshape(w.shape)
        assert np.linalg.norm(mine - expected) < 0.05 * np.linalg.norm(mine - w)
        w = mine
    for name in ("dense1.weight", "dense1.bias", "batch_norm1.weight"):  # the last layer, biases and norms: `others`
        expected_rest: Any = list(sgd(0.1)(start[name], gradients[name], 0.0))
        np.testing.assert_allclose(after[name][-1], expected_rest[-1], rtol=1e-12)


def test_every_optimizer_of_the_vocabulary_is_here() -> None:
    from specc.tricks import COMPONENTS

    words = COMPONENTS["optimizer"]
    apart = {name for name, word in words.items() if isinstance(word, Wrapper)}  # they are in tests/backend/engine
    assert words.keys() - apart == {call.partition("(")[0] for call in CASES} | {"muon"}
