"""A study that a signal stops: what is trained is kept, and the status tells of the signal."""

import json
import signal
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from specc.backend.interrupt import Interrupt
from specc.backend.study import job
from tests.helpers.tiny_run import write_pictures

SPEC = """
data { source = npz("pictures.npz"); normalize = unit }
network Small(width=2) { input(3, 4x4) -> conv(width) -> global_avg_pool -> dense(3) }
train { epochs = 1; batch = 8 }
variant wide { network.width = 3 }
"""


class StopAfter(Interrupt):
    """A SIGTERM that comes after it was looked for so many times."""

    left = 0

    @property
    def signal(self) -> signal.Signals | None:
        StopAfter.left -= 1
        return signal.SIGTERM if StopAfter.left < 0 else None

    @signal.setter
    def signal(self, value: object) -> None:
        pass


@pytest.mark.parametrize(
    ("where", "looks", "trained"),
    [
        ("specc.backend.study.runner.Interrupt", 0, 0),
        ("specc.backend.study.runner.Interrupt", 2, 1),  # each training looks at it, too
        ("specc.backend.study.runner.Interrupt", 4, 2),
        ("specc.backend.train.job.Interrupt", 3, 0),  # in the first training
    ],
)
def test_status_and_what_is_kept(
    specc: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, looks: int, trained: int
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, nothing in (("look", nullcontext), ("study_figure", Mock()), ("save", Mock())):
        monkeypatch.setattr(job, name, nothing)
    monkeypatch.setattr(where, StopAfter)
    monkeypatch.setattr(StopAfter, "left", looks)
    write_pictures(tmp_path, (4, 4))
    Path("small.cnn").write_text(SPEC)
    answer = specc("study", "small.cnn", "--seeds", "1", "--device", "cpu")
    assert answer.status == 143
    found = json.loads(Path("studies/small/study.json").read_text())
    assert [len(variant["runs"]) for variant in found["variants"]] == [int(n < trained) for n in range(2)]
    assert found["finished"] == (trained == 2)
