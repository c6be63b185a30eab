"""`specc search` as a user meets it, on a tiny network and the real digits; its workers are processes."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from tests.helpers.killed_search import lines_of, search_with_kills

pytest.importorskip("optuna")
SPEC = """
# A comment that stays.
data { source = digits }
network Small(width=4, act=relu) {
  conv(width) -> batch_norm -> act
  global_avg_pool -> dense(10)
}
train { epochs = 3; batch = 64; optimizer = adam(lr=1e-2) }
variant gelu { network.act = gelu }
search {
  network.width = integers(3, 6)
  train.optimizer.lr = log_uniform(1e-3, 1e-1)
}
"""
QUICK = ("--device", "cpu", "--subset", "130")
FOLDER = Path("searches/small")
Specc = Callable[..., Any]


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A spec in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    Path("small.cnn").write_text(SPEC)
    return Path("small.cnn")


def found() -> dict[str, Any]:
    result: dict[str, Any] = json.loads((FOLDER / "search.json").read_text())
    return result


def weights(folder: Path = FOLDER) -> dict[int, dict[str, str]]:
    """The weights of each trial, as SHA-256."""
    return {line["trial"]: line["weights"] for line in lines_of(folder) if line["what"] == "trained"}


def test_a_search_its_best_and_more_trials(specc: Specc, spec: Path) -> None:
    answer = specc("search", spec, *QUICK, "--trials", "3", "--sampler", "random", "--against", "macs")
    assert answer.status == 0, answer.err
    assert [line.split(":")[0] for line in answer.err.splitlines()] == [f"[{n}/3] trial {n}" for n in (1, 2, 3)]
    assert {path.name for path in FOLDER.iterdir()} == {
        *("spec.cnn", "best.cnn", "search.json", "suggestions.jsonl", "runs", "worker-1.log"),
        *("history.svg", "importances.svg", "parallel.svg", "front.svg"),
    }
    search = found()
    assert search["finished"] and search["counts"]["completed"] == 3 and search["figure"] == "accuracy"
    best = next(one for one in search["trials"] if one["trial"] == search["best"])
    assert best["value"] == max(one["value"] for one in search["trials"])
    assert search["front"][-1] == best["trial"]
    run = FOLDER / best["trainings"][0]["run"]
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert best["value"] == max(line["val_accuracy"] for line in lines)
    assert "3 trials: 3 completed" in answer.out and "so optimistic" in answer.out
    assert "the test part itself chose" in answer.out
    assert not list(FOLDER.rglob("looks.jsonl"))
    assert (FOLDER / "spec.cnn").read_text() == SPEC

    text = (FOLDER / "best.cnn").read_text()
    values = dict(best["values"])
    assert f"width = {values['network.width']}\n" in text and f"adam(lr={values['train.optimizer.lr']})" in text
    assert specc("check", FOLDER / "best.cnn").status == 0
    assert specc("fmt", "--check", FOLDER / "best.cnn").status == 0
    assert specc("show", FOLDER / "best.cnn").status == 0
    assert f"width={values['network.width']}" in (run / "spec.cnn").read_text()

    more = specc("search", "--resume", FOLDER, "--trials", "4", "--device", "cpu", "--json")
    assert more.status == 0, more.err
    assert [one["values"] for one in json.loads(more.out)["trials"]][:3] == [one["values"] for one in search["trials"]]
    assert len(more.err.splitlines()) == 1  # nothing was trained again
    assert not (FOLDER / "front.svg").exists()  # which was not asked for, and would lack a trial

    other = specc("search", spec, *QUICK, "--sampler", "tpe")
    assert other.status == 2 and "its sampler differs" in other.err


def test_the_best_trains_to_the_weights_of_its_trial(specc: Specc, spec: Path) -> None:
    spec.write_text(SPEC.replace("epochs = 3", "epochs = 1"))
    assert specc("search", spec, "--device", "cpu", "--trials", "1", "-q").status == 0
    assert specc("train", FOLDER / "best.cnn", "--device", "cpu", "-q", "--out", "again").status == 0
    one, other = (path / "last.safetensors" for path in (FOLDER / "runs/001", Path("again")))
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_workers_and_the_search_are_killed_and_every_trial_is_replayed_to_the_same_bits(
    specc: Specc, spec: Path
) -> None:
    spec.write_text(SPEC.replace("epochs = 3", "epochs = 5"))
    command = ["search", "small.cnn", *QUICK, "--trials", "6", "--workers", "2"]
    counts = search_with_kills(command, FOLDER, workers=2, each=1, seed=1, pauses=(0.0, 0.1))
    assert counts[1] >= 1 and counts[2] >= 1
    events = Counter(line["what"] for line in lines_of(FOLDER))
    assert events["suggested"] == events["ended"] == events["trained"] == 6 and events["search"] == 1
    assert events["started"] > 6  # some were taken up again
    infos = [json.loads(path.read_text()) for path in FOLDER.glob("runs/*/run.json")]
    assert any(again["step"] > 0 for info in infos for again in info.get("resumed", ()))  # from a checkpoint
    answer = specc("search", "--replay", FOLDER, "--device", "cpu", "--workers", "2")
    assert answer.status == 0, answer.err
    assert answer.out == f"6 of 6 trainings (6 trials) have the same bits, in {FOLDER}/replay\n"
    assert specc("search", "--replay", FOLDER, "--device", "cpu").status == 2  # the folder is taken


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_ctrl_c_keeps_everything_and_the_same_command_goes_on(specc: Specc, spec: Path) -> None:
    spec.write_text(SPEC.replace("epochs = 3", "epochs = 200"))
    command = ["search", str(spec), *QUICK, "--trials", "1"]
    process = subprocess.Popen([sys.executable, "-m", "specc", *command], stderr=subprocess.PIPE, text=True)
    end = monotonic() + 120
    while not any(line["what"] == "epoch" for line in lines_of(FOLDER)):
        assert process.poll() is None and monotonic() < end
        sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "run the same command again to continue" in err
    search = found()
    assert not search["finished"] and search["counts"]["running"] == 1
    epochs = len([line for line in lines_of(FOLDER) if line["what"] == "epoch"])
    answer = specc(*command)
    assert answer.status == 0 and "trial 1, seed 0: taken up again" in answer.err
    reported = [line["epoch"] for line in lines_of(FOLDER) if line["what"] == "epoch"]
    assert len(reported) == 200 == len(set(reported)) and epochs < 200
    info = json.loads((FOLDER / "runs/001/run.json").read_text())
    assert info["finished"] and info["resumed"][0]["step"] > 0


def test_several_seeds_have_an_interval_and_what_fails_is_a_failed_trial(specc: Specc, spec: Path) -> None:
    """Searched around a variant, on data at a relative path."""
    import numpy as np

    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
    Path("data").mkdir()
    np.savez("data/it.npz", images=images, labels=np.arange(40) % 2)
    text = SPEC.replace("source = digits", 'source = npz("data/it.npz")').replace("dense(10)", "dense(2)")
    spec.write_text(
        text.replace("log_uniform(1e-3, 1e-1)", "choice(1e-2, 1e30)")
        .replace("adam", "sgd")
        .replace("batch = 64", "batch = 5")
    )
    arguments = ("--device", "cpu", "--trials", "4", "--seeds", "2", "--variant", "gelu", "--epochs", "1")
    answer = specc("search", spec, *arguments)
    assert answer.status == 0, answer.err
    assert "the mean of 2 seeds (95% interval over the seeds" in answer.out
    trials = found()["trials"]
    failed = [one for one in trials if one["state"] == "failed"]
    assert failed and {one["error"]["code"] for one in failed} == {"E436"}
    assert all(dict(one["values"])["train.optimizer.lr"] == "1e30" for one in failed)
    trial = next(one for one in trials if one["state"] == "completed" and not one["same_as"])
    values = [training["value"] for training in trial["trainings"]]
    assert trial["value"] == pytest.approx(sum(values) / 2) and len(values) == 2
    assert trial["low"] <= trial["value"] <= trial["high"]
    kept = (FOLDER / "spec.cnn").read_text()
    assert "act=gelu" in kept and "integers(3, 6)" in kept and "variant" not in kept
    assert f'npz("{Path.cwd()}/data/it.npz")' in kept
    assert "act=gelu" in (FOLDER / trial["trainings"][1]["run"] / "spec.cnn").read_text()
    assert specc("check", FOLDER / "best.cnn").status == 0


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--pruner", "wilcoxon"), 2, "needs --seeds 5 or more, not 1"),
        (("--pruner", "median", "--seeds", "3"), 2, "cannot be combined with --seeds 3"),
        (("--set", "train.epoch=1"), 1, "`epochs`"),
        (("--set", "network.width=3"), 2, "conflicts with the section `search`"),
        (("--variant", "rleu"), 1, "gelu"),
        (("--device", "gpu"), 2, "device `gpu` is not available"),
        (("--out", "small.cnn"), 2, "cannot be written"),
        (("--trials", "0"), 2, "--trials"),
        (("--storage", "mysql://host/db"), 2, "must be the URL of a PostgreSQL database, not `mysql://host/db`"),
        (("--storage", "postgresql://me:secret@nowhere.invalid/db"), 2, "postgresql://me@nowhere.invalid/db does not"),
        (("--sampler", "grid"), 2, "--sampler"),
    ],
)
def test_wrong_calls(specc: Specc, spec: Path, arguments: tuple[str, ...], status: int, words: str) -> None:
    answer = specc("search", spec, *arguments)
    assert answer.status == status
    assert words in answer.err and answer.out == "" and "secret" not in answer.err


def test_no_file_of_a_search_holds_its_password(specc: Specc, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["search", str(spec), *QUICK, "--storage=postgresql://me:secret@nowhere.invalid/db"]
    monkeypatch.setattr(sys, "argv", ["specc", *arguments])
    assert specc(*arguments).status == 2
    journal = (FOLDER / "suggestions.jsonl").read_text()
    assert "--storage=postgresql://me@nowhere.invalid/db" in journal and "secret" not in journal


def test_what_needs_no_spec_and_what_does(specc: Specc, spec: Path) -> None:
    assert "a spec or the folder of a search is needed" in specc("search").err
    assert "holds no search" in specc("search", "--resume", "nowhere").err and not Path("nowhere").exists()
    assert "holds no search" in specc("search", "--replay", "nowhere").err
    assert "continues a search with its own settings" in specc("search", "--resume", "x", "--seed", "3").err
