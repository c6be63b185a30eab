"""What is seen of a study: a table on a terminal, a line for each training elsewhere."""

import io
import re

import pytest

from specc.backend.run.metrics import EpochResult
from specc.backend.study.cache import Record
from specc.backend.study.live import Shown
from specc.backend.study.plan import Repetition
from specc.check import check
from specc.errors import SpeccError
from specc.source import Source
from specc.tasks import FIGURES

SPEC = "data { source = digits }\nnetwork N { global_avg_pool -> dense(10) }\ntrain { epochs = 4; seed = 1 }"
LINE = {"epoch": 1.0, "train_loss": 1.5, "train_accuracy": 0.4, "val_loss": 1.0, "val_accuracy": 0.5, "seconds": 2.0}
FINE = Record(Repetition(1), "runs/relu-1", {"accuracy": 0.45}, 1.2, 100, {}, [LINE], None)
FAILED = Record.failed(Repetition(1), SpeccError("E436", "the loss is not finite"))
ACCURACY = FIGURES["accuracy"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def follow(stream: io.StringIO) -> str:
    """Everything that a study of two entries shows."""
    spec = check(Source("n.cnn", SPEC)).trainable()
    with Shown(["relu", "wild"], 1, stream) as shown:
        shown.begin("relu", Repetition(1))
        with shown.listener(spec) as listener:
            listener.say("a note")
            listener.steps(3, 1.0, 2.25, "accuracy 12.50%", 1234.0)
            shown.live.refresh()
            listener.epoch(EpochResult(1.0, 5, 1.0, {"accuracy": 0.5}), LINE, True)
            shown.live.refresh()
        shown.end("relu", FINE, ACCURACY)
        shown.begin("wild", Repetition(1))
        shown.end("wild", FAILED, ACCURACY)
    return stream.getvalue()


def test_lines_where_there_is_no_terminal() -> None:
    assert follow(io.StringIO()).splitlines() == [
        "[1/2] relu, seed 1: training 45.00%, validation 50.00%, 2.0 s",
        "[2/2] wild, seed 1: E436 the loss is not finite",
    ]


def test_a_live_table_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", follow(Terminal()))
    assert "1 of 2, 0:00  seed 1, epoch 1/4  loss 2.2500  accuracy 12.50%  1,234 images/s" in text
    assert re.search(r"relu +0/1 +<-", text)
    assert re.search(r"relu +1/1 +45.0 % +50.0 %", text)
    assert re.search(r"wild +1/1 +E436", text)
    assert "a note" not in text
