"""Each word that changes how weights learn beside each setting that does, too: both take effect, or it is an error."""

from functools import cache

import pytest
import torch
from torch import Tensor

from specc.backend.train.compatibility import INCOMPATIBLE, TRAJECTORY, judge
from specc.check import check
from specc.source import Source
from tests.backend.engine.test_state import run
from tests.helpers.tiny_training import Recorder, make_trainer

HEADED = """
network Tiny {
  input(1, 4x4)
  conv(4, bias=true) -> batch_norm -> relu
  head(early, weight=0.5) { global_avg_pool -> dense(3) }
  conv(4) -> batch_norm -> relu -> dropout(20%) -> global_avg_pool -> dense(3)
}
"""
PLAIN = "sgd(lr=0.3, momentum=0.9)"
WORDS = {
    "swa": f"average = swa(start=0); optimizer = {PLAIN}",
    "sam": f"optimizer = sam({PLAIN}, rho=0.5)",
    "schedule_free": f"optimizer = schedule_free({PLAIN})",
    "sam of schedule_free": f"optimizer = sam(schedule_free({PLAIN}), rho=0.5)",
    "sam and swa": f"optimizer = sam({PLAIN}, rho=0.5); average = swa(start=0)",
}
BESIDE = {
    "ema": "ema = 0.5",
    "lookahead": "lookahead = lookahead(steps=4)",
    "average": "average = swa(start=0)",
    "clip": "clip = 0.05",
    "accumulate": "accumulate = 2",
    "regularize": "regularize = l2(0.1)",
    "loss": "loss = cross_entropy(smoothing=0.3)",
    "freeze": "freeze = [conv1]",
    "freeze until": "freeze = freeze(conv1, until=1)",
    "rate of a group": "groups = [group(norms, scale=0.1)]",
    "decay of a group": "groups = [group(kernels, weight_decay=0.5)]",
    "end of a group": "groups = [group(norms, until=1)]",
    "optimizer of a group": "groups = [group(norms, optimizer=adam(lr=0.1))]",
    "warmup of a group": "groups = [group(norms, schedule=warmup(1))]",
    "schedule of a group": "groups = [group(norms, schedule=linear)]",
    "warmup": "schedule = warmup(1)",
    "cosine": "schedule = cosine",
    "plateau": "schedule = plateau(patience=0, threshold=10)",
    "fp16": "precision = fp16",
}
_FREE = {
    "ema": "E233",
    "lookahead": "E233",
    "average": "E233",
    "optimizer of a group": "E233",
    "schedule of a group": "E233",
    "cosine": "E233",
    "plateau": "E233",
}
ERRORS = {"swa": {"ema": "E233"}, "sam and swa": {"ema": "E233"}, "schedule_free": _FREE, "sam of schedule_free": _FREE}
SAME = {("swa", "average"), ("sam and swa", "average")}  # one setting, not two
PAIRS = [(word, beside) for word in WORDS for beside in BESIDE if (word, beside) not in SAME]


@cache
def learned(word: str, beside: str) -> dict[str, Tensor]:
    """What is kept after three epochs; without a word by the plain optimizer."""
    settings = [WORDS[word] if word else f"optimizer = {PLAIN}", BESIDE[beside] if beside else ""]
    trainer = make_trainer("epochs = 3", *settings, network=HEADED, precision="fp16" if beside == "fp16" else "fp32")
    if trainer.state.scaler:
        trainer.state.scaler.load_state_dict(trainer.state.scaler.state_dict() | {"scale": 1024.0})
    run(trainer, Recorder())
    return trainer.state.model()


@pytest.mark.parametrize(("word", "beside"), PAIRS)
def test_both_take_effect_or_it_is_an_error(word: str, beside: str) -> None:
    code = ERRORS.get(word, {}).get(beside)
    if code:
        spec = f"{HEADED}train {{ {WORDS[word]}; {BESIDE[beside]} }}"
        (error,) = check(Source("tiny.cnn", spec)).errors
        assert error.code == code and error.help
        return
    both = learned(word, beside)
    assert all(value.isfinite().all() for value in both.values())
    for other in (learned(word, ""), learned("", beside)):
        assert any(not torch.equal(value, other[name]) for name, value in both.items())


@pytest.mark.parametrize("word", WORDS)
def test_auxiliary_heads_take_part(word: str) -> None:
    start = make_trainer(network=HEADED).state.model()
    after = learned(word, "")
    assert all(not torch.equal(after[name], start[name]) for name in start if name.startswith("early"))


CHANGES = [
    ("optimizer = sgd(lr=0.3)", "optimizer = sam(sgd(lr=0.3))", TRAJECTORY),
    ("optimizer = sam(sgd(lr=0.3))", "optimizer = sam(sgd(lr=0.3), rho=0.1)", TRAJECTORY),
    ("", "average = swa", TRAJECTORY),
    ("average = swa", "", TRAJECTORY),
    (f"optimizer = {PLAIN}", f"optimizer = schedule_free({PLAIN})", INCOMPATIBLE),
    (f"optimizer = schedule_free({PLAIN})", f"optimizer = {PLAIN}", INCOMPATIBLE),
]


@pytest.mark.parametrize(("before", "after", "kind"), CHANGES)
def test_what_a_resumed_run_may_change(before: str, after: str, kind: str) -> None:
    text = "data { source = digits }\nnetwork N { conv(4) -> flatten -> dense(10) }\n"
    one, other = (check(Source("n.cnn", f"{text}train {{ {train} }}")).trainable() for train in (before, after))
    assert {found.kind for found in judge(one, other, 11)} == {kind}


def test_every_setting_that_changes_learning_is_here() -> None:
    from specc.tricks.sections import TrainSettings

    elsewhere = {"epochs", "batch", "optimizer", "best", "seed", "early_stop", "target", "start", "plan", "evaluate"}
    named = {text.partition(" ")[0] for text in BESIDE.values()}
    assert {param.name for param in TrainSettings.params} - elsewhere - named == {"shards"}  # in tests/backend/ranks
