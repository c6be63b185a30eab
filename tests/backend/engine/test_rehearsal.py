"""The memory of a step, counted without computing it, is what torch's allocator hands out."""

from typing import Any

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from specc.backend.device import native_bf16
from specc.backend.engine.rehearsal import Live, rehearse
from specc.backend.precision import Precision
from specc.backend.train.prepare import Request, prepare
from specc.check import Trainable, check
from specc.source import Source

NETWORK = """
data {{ source = digits }}
network Net {{
  conv(16) -> batch_norm -> relu -> max_pool(2)
  residual {{ conv(16) -> batch_norm -> relu -> dropout(20%) }}
  global_avg_pool -> dense({width}) -> relu -> dense(10)
}}
train {{ batch = 96; {settings} }}
"""
CPU = torch.device("cpu")
EMULATED = "where bfloat16 is emulated, convolutions unfold their images in memory"


def spec(settings: str = "", width: int = 10) -> Trainable:
    checked = check(Source("net.cnn", NETWORK.format(settings=settings, width=width)))
    assert not checked.errors, checked.errors
    return checked.trainable()


def measured(trainable: Trainable) -> int:
    """The most that is held at once while a training is put together and takes two steps; without its images."""
    request = Request(trainable, "cpu")
    dataset = prepare(request).dataset
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        trainer = prepare(request._replace(dataset=dataset)).trainer
        for _ in range(2):
            trainer.step()
    results: Any = profiled.profiler
    events = [event for event in results.kineto_results.events() if event.name() == "[memory]"]
    now = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        peak = max(peak, now)
    return peak


@pytest.mark.parametrize(
    ("settings", "width"),
    [
        ("optimizer = adam(lr=1e-3)", 10),
        ("optimizer = sgd(lr=0.1, momentum=0.9); ema = 0.9; accumulate = 2", 10),
        ("optimizer = adam(lr=1e-3)", 40_000),
        ("shards = 4; optimizer = adam(lr=1e-3)", 10),
        ("freeze = [conv, batch_norm]; plan = plan(features=recompute)", 10),
        pytest.param("precision = bf16", 10, marks=pytest.mark.skipif(not native_bf16(CPU), reason=EMULATED)),
        ("plan = plan(recompute=always)", 10),
        ("optimizer = sam(sgd(lr=0.1, momentum=0.9)); average = swa(start=0)", 40_000),
        ("optimizer = schedule_free(adamw(lr=1e-3))", 40_000),
    ],
    ids=["activations", "averages", "weights", "shards", "frozen", "bf16", "recompute", "sam and swa", "schedule-free"],
)
def test_it_is_within_a_tenth_of_what_is_handed_out(settings: str, width: int) -> None:
    trainable = spec(settings, width)
    job = prepare(Request(trainable, "cpu"))
    peak = rehearse(
        trainable, 96, job.plan.precision, CPU, recomputes="recompute=always" in settings, task=job.dataset.task
    )
    assert peak.is_exact and peak.step == pytest.approx(measured(trainable), rel=0.1)


def test_what_lives_is_counted_until_it_is_freed() -> None:
    with Live() as live:
        one = torch.zeros(100)
        view = one[:10]
        two = one + 1
        assert live.now == live.peak == 800
        del one
        assert live.now == 800  # the view holds it
        del view, two
    assert (live.now, live.peak) == (0, 800)


def test_where_nothing_can_be_rehearsed_the_estimate_is_rough(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any) -> None:
        raise RuntimeError("no rule for this layer on meta")

    monkeypatch.setattr("specc.backend.build.Net.answer", fails)
    peak = rehearse(spec(), 96, Precision("fp32", ""), CPU)
    assert not peak.is_exact and peak.step > 0
