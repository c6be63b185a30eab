"""Layers that nothing but this file knows, with weights of names that no other layer has, from check to export."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from specc.backend.build import build
from specc.backend.initialize import initialize
from specc.check import check
from specc.ir.weights import selected, weights_of
from specc.ops import OPS
from specc.ops.conv import REGULARIZE
from specc.ops.op import Op
from specc.ops.reads import Reads
from specc.ops.signal import WeightedSum
from specc.source import Source
from specc.values import Args
from specc.vocabulary.family import Initializer
from specc.vocabulary.kinds import Int, One
from specc.vocabulary.param import Param
from specc.vocabulary.registry import call
from specc.vocabulary.shape import Shape
from specc.vocabulary.target import Target
from specc.vocabulary.weight import Drawn, Fans, Statistic, WeightSpec


class ResponseNorm(nn.Module):
    """x + gamma * x * n / mean(n) + beta, where n is the norm of each channel of an image (Woo et al., 2023)."""

    calls: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.empty(channels, 1, 1))
        self.beta = nn.Parameter(torch.empty(channels, 1, 1))
        self.register_buffer("calls", torch.empty(()))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.calls.add_(1)
        n = x.square().sum(dim=(2, 3), keepdim=True).sqrt()
        return x + self.gamma * (x * (n / n.mean(dim=1, keepdim=True))) + self.beta


class Mix(nn.Module):
    """Sums of channels, position by position."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.empty(filters, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.matrix)


def _response_norm_onnx(g: Any, names: list[str], a: Args, w: Any, x: Shape, y: Shape) -> str:
    n = g.node("ReduceL2", [names[0], g.ints([2, 3])], keepdims=1)
    share = g.node("Div", [n, g.node("ReduceMean", [n, g.ints([1])], keepdims=1)])
    scaled = g.node("Mul", [g.node("Mul", [names[0], share]), w["gamma"]])
    return str(g.node("Add", [g.node("Add", [names[0], scaled]), w["beta"]]))


NEW = (
    Op(
        name="grn",
        group="normalization",
        doc="Global response normalization.",
        weights=lambda x, a: (
            WeightSpec("gamma", (x[0], 1, 1), "norm", 0.5),
            WeightSpec("beta", (x[0], 1, 1), "norm", 0.25),
        ),
        statistics=lambda x, a: (Statistic("calls", (), 0),),
        torch=lambda x, a: Target(f"{__name__}.ResponseNorm", {"channels": x[0]}),
        onnx=_response_norm_onnx,
        reads=lambda x, a: Reads.ALL,
        example="conv(8) -> grn",
    ),
    Op(
        name="mix",
        group="other",
        doc="Sums of channels, position by position.",
        params=(
            Param("filters", Int(1), doc="how many channels the result has"),
            Param("drawn", One("init", "an initializer"), call(Initializer, "he_normal"), "how the matrix starts"),
            REGULARIZE,
        ),
        shape=lambda x, a: (a.filters, *x[1:]),
        weights=lambda x, a: (
            WeightSpec("matrix", (a.filters, x[0], 1, 1), "kernel", Drawn(a.drawn, Fans(x[0], a.filters, a.filters))),
        ),
        macs=lambda x, a, y: a.filters * x[0] * x[1] * x[2],
        torch=lambda x, a: Target(f"{__name__}.Mix", {"channels": x[0], "filters": a.filters}),
        onnx=lambda g, names, a, w, x, y: g.node("Conv", [names[0], w["matrix"]]),
        example="mix(4)",
        signal=WeightedSum(),
    ),
)

SPEC = """
data { source = digits }

network Net {
  conv(6) -> grn -> relu
  mix(6, drawn=glorot_uniform, regularize=l2(1e-4)) -> batch_norm -> relu
  global_avg_pool -> dense(10)
}

train {
  epochs    = 1
  batch     = 256
  optimizer = muon(lr=0.02, weight_decay=0.01, others=adamw(lr=1e-3))
  groups    = [group(grn1.gamma, lr=1e-2), group(norms.beta, lr=2e-2)]
  freeze    = conv1.weight
}
"""


@pytest.fixture(autouse=True)
def _in_the_vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    for op in NEW:
        monkeypatch.setitem(OPS, op.name, op)


def test_selectors_take_a_weights_own_name() -> None:
    graph = check(Source("net.cnn", SPEC)).graph
    assert graph is not None
    weights = weights_of(graph)
    picked = {
        "grn1.gamma": "grn1.gamma",
        "norms.beta": "grn1.beta",
        "norms": "grn1.gamma grn1.beta batch_norm1.weight batch_norm1.bias",
        "kernels": "conv1.weight mix1.matrix dense1.weight",
        "mix.matrix": "mix1.matrix",
        "gamma": "",
    }
    for selector, names in picked.items():
        assert [weight.name for weight in selected([selector], weights)] == names.split(), selector
    assert [weight.name for weight in weights if weight.is_last] == ["dense1.weight"]


def test_weights_start_as_declared() -> None:
    graph = check(Source("net.cnn", SPEC.replace("grn ->", "grn -> mix(300) ->"))).graph
    assert graph is not None
    net = build(graph)
    initialize(net, 0)
    state = net.state_dict()
    assert (state["grn1.gamma"] == 0.5).all() and (state["grn1.beta"] == 0.25).all() and state["grn1.calls"] == 0
    drawn = state["mix1.matrix"]
    assert drawn.square().mean().item() == pytest.approx(2 / 6, rel=0.15)


def test_from_check_to_export(specc: Any, here: Path) -> None:
    (here / "net.cnn").write_text(SPEC)
    answer = specc("check", "net.cnn", "--strict")
    assert answer.status == 0, answer.err
    total, frozen = 6 * 9 + 6 + 12 + 36 + 12 + 70, 6 * 9
    assert (
        specc("show", "net.cnn")
        .out.splitlines()[-1]
        .startswith(f"Net: 1 x 8 x 8 -> 10; {total} parameters ({frozen} frozen)")
    )
    answer = specc("train", "net.cnn", "--out", "run", "--quiet")
    assert answer.status == 0, answer.err
    info = json.loads((here / "run" / "run.json").read_text())
    assert (info["parameters"], info["frozen"]) == (total, frozen)
    applied = "\n".join(info["applied"])
    assert "frozen by conv1.weight: 1 kernel, 54 weights" in applied
    assert "l2(1e-4): 1 kernel, 36 weights" in applied or "regularize: 1 kernel, 36 weights" in applied
    assert "group(grn1.gamma): 1 norm tensor, 6 weights: adamw, lr 0.01" in applied
    assert "1 kernel, 36 weights: muon, lr 0.02, weight_decay 0.01" in applied

    answer = specc("export", "run")
    assert answer.status == 0, answer.err
    assert specc("verify", "run/model.onnx").status == 0

    answer = specc("emit", "net.cnn")
    assert answer.status == 0, answer.err
    space: dict[str, Any] = {}
    exec(compile(answer.out, "emitted.py", "exec"), space)  # noqa: S102
    state = load_file(here / "run" / "best.safetensors")
    emitted = space["Net"]()
    emitted.load_state_dict(state)
    assert state["grn1.calls"] > 0

    checked = check(Source("net.cnn", SPEC))
    assert checked.graph is not None
    net = build(checked.graph)
    net.load_state_dict(state)
    x = torch.randn(3, 1, 8, 8)
    assert torch.equal(emitted.eval()(x), net.eval()(x))
