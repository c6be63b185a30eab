"""Workers as processes, and what each tells and is told; without any network."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from specc.backend.run.metrics import EpochResult, selection
from specc.backend.search.journal import COMPLETED, FAILED
from specc.backend.search.live import Shown
from specc.backend.search.pool import Event, Processes, environments
from specc.backend.search.worker import Line, Pruned, Reporter
from specc.tasks import CLASSIFICATION
from tests.helpers.fake_search import ACCURACY, Formulas, from_rate, make_search

ECHO = """
import json, os, sys
print("loading", file=sys.stderr, flush=True)
print(json.dumps({"what": "ready", "threads": os.environ["OMP_NUM_THREADS"]}), flush=True)
for line in sys.stdin:
    print(json.dumps({"what": "steps", "told": json.loads(line)}), flush=True)
    print('{"what": "hal', end="", flush=True)
    sys.exit(3)
"""


def collect(pool: Processes, count: int) -> list[Event]:
    found: list[Event] = []
    for _ in range(200):
        found += pool.events(0.5)
        if len(found) >= count:
            return found
    raise AssertionError(found)


def test_a_worker_tells_is_told_and_dies(tmp_path: Path) -> None:
    pool = Processes([sys.executable, "-c", ECHO], environments(2, 3, 0), tmp_path / "log")
    assert pool.start(2) > 0
    assert collect(pool, 1) == [Event(2, {"what": "ready", "threads": "3"})]
    pool.send(2, {"what": "go", "prune": False})
    told, died = collect(pool, 2)
    assert told.message["told"] == {"what": "go", "prune": False}
    assert died == Event(2, {"what": "died", "status": 3})  # and half a line is none
    pool.send(2, {"what": "go", "prune": True})  # is lost
    assert pool.last_words(2) == "loading" and pool.last_words(1) == ""
    pool.start(1)
    pool.close(at_once=True)


def test_each_worker_keeps_to_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("SPECC_WORKERS", "9")
    share = {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}
    assert environments(2, 2, 0) == [share, share]
    assert [one["CUDA_VISIBLE_DEVICES"] for one in environments(3, 2, 2)] == ["0", "1", "0"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    monkeypatch.delenv("SPECC_WORKERS")
    assert environments(1, 2, 2) == [share | {"SPECC_WORKERS": "2", "CUDA_VISIBLE_DEVICES": "2"}]


def connected(*answers: bool) -> tuple[Line, io.StringIO]:
    out = io.StringIO()
    return Line([json.dumps({"what": "go", "prune": answer}) for answer in answers], out), out


def told(out: io.StringIO) -> list[dict[str, Any]]:
    return [line for text in out.getvalue().splitlines() if (line := json.loads(text))["what"] == "epoch"]


def result(epoch: float) -> EpochResult:
    return EpochResult(epoch, int(10 * epoch), 1.0, {"accuracy": epoch / 10})


def test_each_epoch_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    line, out = connected(False, True)
    reporter = Reporter(line, selection("auto", CLASSIFICATION), 3.0, None)
    words = {"train_loss": 1.0, "val_loss": 1.0}
    reporter.epoch(result(1), words, True)
    with pytest.raises(Pruned):
        reporter.epoch(result(2), words, True)
    assert [(one["epoch"], one["value"], one["last"]) for one in told(out)] == [(1, 0.1, False), (2, 0.2, False)]


def test_what_the_checkpoint_holds_is_told_again(tmp_path: Path) -> None:
    lines = [{"epoch": n, "step": 10 * n, "val_loss": 1.0, "val_accuracy": n / 10} for n in (1, 2, 3)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "checkpoints").mkdir()
    for suffix in ("json", "safetensors"):
        (tmp_path / "checkpoints" / f"00000020.{suffix}").write_text("{}")
    line, out = connected(False, False)
    Reporter(line, selection("auto", CLASSIFICATION), 3.0, None).catch_up(tmp_path)
    assert [one["epoch"] for one in told(out)] == [1, 2]  # the third is trained again


def test_a_replay_asks_nothing_and_ends_where_the_trial_ended() -> None:
    line, out = connected()
    reporter = Reporter(line, selection("auto", CLASSIFICATION), 3.0, 2.0)
    words = {"train_loss": 1.0, "val_loss": 1.0}
    reporter.epoch(result(1), words, True)
    with pytest.raises(Pruned):
        reporter.epoch(result(2), words, True)
    assert told(out) == []


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_for_each_trial_and_a_table_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    search = make_search(tmp_path, Formulas(1, from_rate), 3)
    search.run()
    lines, table = io.StringIO(), Terminal()
    plain, live = (Shown(search.journal, 3, ACCURACY, stream) for stream in (lines, table))
    first, second, _ = search.journal.trials.values()
    second.state, second.error = FAILED, {"code": "E304", "message": "it does not divide"}
    for shown in (plain, live):
        with shown:
            shown.begin(1, first, 0, True)
            shown.steps(1, "epoch 1/4")
            shown.end(first)
            shown.end(second)
    out = lines.getvalue().splitlines()
    assert out[0] == "trial 1, seed 0: taken up again by worker 1"
    assert out[1].startswith("[3/3] trial 1: network.width=") and "validation accuracy" in out[1]
    assert out[2].endswith("failed: E304 it does not divide")
    assert first.state == COMPLETED and "best so far" in table.getvalue() and "3 of 3 trials" in table.getvalue()
