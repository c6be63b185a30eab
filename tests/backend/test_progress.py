"""What is seen of a training: plain lines in a pipe, a live line on a terminal."""

import io
from typing import Any

import pytest

from specc.backend.progress import Lines
from specc.backend.run.metrics import EpochResult

LINE: dict[str, Any] = {
    "train_loss": 0.5,
    "train_accuracy": 0.8,
    "val_loss": 0.4,
    "val_accuracy": 0.85,
    "val_f1": 0.8,
    "images_per_second": 1234.5,
    "seconds": 2.0,
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(stream: io.StringIO) -> str:
    with Lines(2, 20, stream=stream) as lines:
        lines.say("l2(1e-4): 3 kernels [not markup]")
        lines.steps(5, 1, 0.75, "accuracy 60.00%", 1000.0)
        lines.epoch(EpochResult(1.0, 10, 0.4, {"accuracy": 0.85}), LINE, best=True)
    return stream.getvalue()


def test_a_pipe_gets_a_plain_line_an_epoch() -> None:
    assert shown(io.StringIO()).splitlines() == [
        "l2(1e-4): 3 kernels [not markup]",
        "epoch 1/2  loss 0.5000  accuracy 80.00%  val_loss 0.4000  val_accuracy 85.00%  1,234 images/s  2.0 s  best",
    ]


def test_a_terminal_gets_a_live_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "160")
    text = shown(Terminal())
    assert "epoch 1/2  loss 0.7500  accuracy 60.00%  1,000 images/s" in text
    assert "left" in text and "\x1b[" in text
    assert "val_accuracy 85.00%" in text


def test_a_dumb_terminal_is_treated_as_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in shown(Terminal())
