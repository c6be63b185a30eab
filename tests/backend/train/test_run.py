"""Runs: the folder that a training leaves, going on with one, and opening one again. On the real digits."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from specc.backend.evaluation.of_run import evaluate_run
from specc.backend.interrupt import Interrupt
from specc.backend.progress import Quiet
from specc.backend.run.checkpoint import load_checkpoint
from specc.backend.run.folder import RunFolder, create
from specc.backend.run.load import open_run
from specc.backend.run.manifest import read_info, sha256_of
from specc.backend.run.metrics import read_lines
from specc.backend.train.job import Outcome, train
from specc.backend.train.resume import resume
from specc.check import check
from specc.errors import SpeccError
from specc.source import Source

SPEC = """
data { source = digits; augment = shift(1) -> noise(0.02) }

network Small {
  conv(8) -> batch_norm -> relu -> dropout(20%)
  global_avg_pool -> dense(10)
}

train {
  epochs = 2
  batch = 64
  optimizer = adam(lr=1e-2)
  schedule = warmup(1) -> cosine
  regularize = l2(1e-4)
  ema = 0.9
}
"""
PER_EPOCH = 22


def begin(*sets: str, text: str = SPEC, **options: Any) -> Outcome:
    return train(check(Source("small.cnn", text), sets=sets), quiet=True, **options)


def figures(run: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl without what a clock says."""
    timed = ("seconds", "images_per_second")
    return [{k: v for k, v in line.items() if k not in timed} for line in read_lines(run / "metrics.jsonl")]


def same_weights(one: Path, two: Path, name: str = "last.safetensors") -> bool:
    return (one / name).read_bytes() == (two / name).read_bytes()


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was never stopped."""
    outcome = begin(out=tmp_path_factory.mktemp("straight"))
    assert outcome.status == 0 and outcome.step == 2 * PER_EPOCH
    return outcome.path


def test_leaves_all_its_files(straight: Path) -> None:
    names = {path.name for path in straight.iterdir()}
    assert names == {"spec.cnn", "run.json", "metrics.jsonl", "checkpoints", "best.safetensors", "last.safetensors"}
    assert [path.name for path in sorted((straight / "checkpoints").iterdir())] == [
        "00000022.json",
        "00000022.safetensors",
        "00000044.json",
        "00000044.safetensors",
    ]


def test_metrics_have_a_line_an_epoch(straight: Path) -> None:
    lines = [json.loads(line) for line in (straight / "metrics.jsonl").read_text().splitlines()]
    wanted = {
        "epoch", "step", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "images_per_second", "seconds",
    }  # fmt: skip
    assert all(wanted <= line.keys() for line in lines)
    assert [(line["epoch"], line["step"]) for line in lines] == [(1.0, PER_EPOCH), (2.0, 2 * PER_EPOCH)]


def test_run_json_says_what_it_was(straight: Path) -> None:
    info = read_info(straight)
    assert info["finished"] and info["step"] == 44 and info["steps_per_epoch"] == PER_EPOCH
    assert info["best"]["accuracy"] == max(line["val_accuracy"] for line in read_lines(straight / "metrics.jsonl"))
    assert info["applied"] == [
        "l2(1e-4): 2 kernels, 152 weights; not 2 tensors of norms and 1 bias",
        "ema 0.9: 5 weight tensors and 2 running statistics; it is what is evaluated, kept and exported",
    ]
    assert info["device"] == "cpu" and info["precision"] == "fp32" and info["threads"] == 1
    assert info["classes"] == list("0123456789")
    assert info["images"] == {"train": 1442, "validation": 355}
    assert len(info["spec_sha256"]) == len(info["data_sha256"]) == 64
    assert {"specc", "python", "torch", "onnx"} <= info["versions"].keys()
    assert info["started"] <= info["ended"]


def test_the_spec_in_a_run_trains_to_the_same(straight: Path, tmp_path: Path) -> None:
    """Two trainings with one seed give the same weights bit for bit, the second from the first one's spec.cnn."""
    again = begin(out=tmp_path / "again", text=(straight / "spec.cnn").read_text())
    assert same_weights(straight, again.path) and same_weights(straight, again.path, "best.safetensors")
    assert figures(straight) == figures(again.path)


def test_set_and_variant_are_in_the_runs_spec(tmp_path: Path) -> None:
    text = SPEC + "variant wide { train.batch = 128 }\n"
    checked = check(Source("small.cnn", text), variant="wide", sets=["train.epochs=0.5", "train.seed=3"])
    outcome = train(checked, out=tmp_path / "run", quiet=True)
    settings = open_run(outcome.path).spec.train
    assert (settings.batch, settings.epochs, settings.seed) == (128, 0.5, 3)
    assert read_info(outcome.path)["variant"] == "wide"


class StopAt(Interrupt):
    """A Ctrl-C that comes after so many steps."""

    left = 0

    @property
    def signal(self) -> signal.Signals | None:
        StopAt.left -= 1
        return signal.SIGINT if StopAt.left < 0 else None

    @signal.setter
    def signal(self, value: object) -> None:
        pass


@pytest.mark.parametrize("stops", [[5], [PER_EPOCH - 1], [30, 3, 1]])
def test_stopping_and_going_on_changes_nothing(
    straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stops: list[int]
) -> None:
    monkeypatch.setattr("specc.backend.train.job.Interrupt", StopAt)
    run = tmp_path / "run"
    StopAt.left = stops[0]
    outcome = begin(out=run)
    for steps in [*stops[1:], 1000]:
        assert outcome.status == 130
        assert not read_info(run)["finished"]
        StopAt.left = steps
        outcome = resume(run, quiet=True)
    assert outcome.status == 0 or StopAt.left > 0
    assert same_weights(straight, run) and same_weights(straight, run, "best.safetensors")
    assert figures(straight) == figures(run)
    _, first, _, _ = load_checkpoint(straight / "checkpoints")
    _, second, _, _ = load_checkpoint(run / "checkpoints")
    assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


SCRIPT = """
import sys
from pathlib import Path
from time import sleep
import torch
from specc.backend.train.job import train
from specc.backend.engine.trainer import Trainer
from specc.check import check
from specc.source import Source
path = Path(sys.argv[1])
step = Trainer.step
Trainer.step = lambda loop: (step(loop), sleep(0.02))  # so that the signal finds it at work
outcome = train(check(Source("small.cnn", (path / "small.cnn").read_text())), out=path / "run")
sys.exit(outcome.status)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_killed_process_is_gone_on_with_to_the_same_end(
    straight: Path, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    (tmp_path / "small.cnn").write_text(SPEC)
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, tmp_path], stderr=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch 1/"):
            break
    process.send_signal(number)
    assert process.wait(timeout=60) == status
    process.stderr.close()
    assert resume(tmp_path / "run", quiet=True).status == 0
    assert same_weights(straight, tmp_path / "run")
    assert figures(straight) == figures(tmp_path / "run")


def test_going_on_with_a_finished_run_changes_nothing(straight: Path) -> None:
    before = (straight / "last.safetensors").read_bytes()
    assert resume(straight, quiet=True).step == 44
    assert (straight / "last.safetensors").read_bytes() == before
    assert len(list(read_lines(straight / "metrics.jsonl"))) == 2


def test_a_torn_line_and_lines_after_the_checkpoint_are_written_again(
    straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specc.backend.train.job.Interrupt", StopAt)
    run = tmp_path / "run"
    StopAt.left = 25
    begin(out=run)
    with (run / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": 44, "epoch": 2.0}) + '\n{"step": 66, "epo')
    StopAt.left = 1000
    resume(run, quiet=True)
    assert figures(straight) == figures(run)


def test_the_best_weights_are_what_is_measured(straight: Path) -> None:
    """Evaluation from the files gives the accuracy that was reported; both are the moving average's."""
    run = open_run(straight)
    assert not run.net.training
    found = evaluate_run(run, device="cpu")
    best = run.info["best"]
    assert found.accuracy == best["accuracy"]
    assert found.loss == pytest.approx(best["loss"], rel=1e-5)
    assert int(found.confusion.sum()) == 355
    assert {name: value.shape for name, value in load_file(straight / "best.safetensors").items()} == {
        name: value.shape for name, value in run.net.state_dict().items()
    }


def test_runs_are_numbered(here: Path) -> None:
    assert [create(None, "Net", "").path.name for _ in range(2)] == ["Net-1", "Net-2"]
    (here / "runs" / "Net-11").mkdir()
    (here / "runs" / "Net-x").mkdir()
    assert create(None, "Net", "").path == Path("runs/Net-12")
    assert create(None, "Other", "").path == Path("runs/Other-1")


# ---- what goes wrong


def error_of(call: Callable[[], object]) -> SpeccError:
    with pytest.raises(SpeccError) as found:
        call()
    assert found.value.help
    return found.value


def test_a_run_is_not_written_over(straight: Path) -> None:
    error = error_of(lambda: begin(out=straight))
    assert error.code == "E435" and "--resume" in error.help


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert error_of(lambda: begin(out=tmp_path / "file" / "run")).code == "E481"
    assert error_of(lambda: begin(out=tmp_path / "file")).code == "E481"


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "cpu:5", ""])
def test_a_device_that_is_not_there_lists_those_that_are(tmp_path: Path, name: str) -> None:
    error = error_of(lambda: begin(out=tmp_path / "run", device=name))
    assert error.code == "E430" and "cpu" in error.help
    assert not (tmp_path / "run").exists()


def test_a_spec_without_data_cannot_be_trained(tmp_path: Path) -> None:
    text = "network Net { input(1, 8x8); global_avg_pool -> dense(10) }"
    assert error_of(lambda: begin(out=tmp_path / "run", text=text)).code == "E437"


def test_a_spec_with_errors_cannot_be_trained(tmp_path: Path) -> None:
    error = error_of(lambda: begin("train.epochs=0", out=tmp_path / "run"))
    assert error.code == "E440" and "epochs" in error.message


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ("train.precision=fp16", "E431"),
        ("train.loss=cross_entropy(weights=[1, 2])", "E440"),
        ("train.freeze=[boddy]", "E440"),
        ("train.freeze=[conv1, batch_norm1, dense1]", "E440"),
        ("train.accumulate=100", "E444"),
        ("train.optimizer=sgd(lr=1e30)", "E436"),
    ],
)
def test_settings_that_do_not_go(tmp_path: Path, setting: str, code: str) -> None:
    assert error_of(lambda: begin(setting, out=tmp_path / "run", device="cpu")).code == code


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("DefaultCPUAllocator: can't allocate memory: 1 bytes")],
)
def test_too_little_memory_says_what_would_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: RuntimeError
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("specc.backend.engine.trainer.Trainer.step", fail)
    found = error_of(lambda: begin(out=tmp_path / "run"))
    assert found.code == "E448" and "64 images" in found.message and "batch = 32" in found.help


def test_a_diverging_run_keeps_its_last_checkpoint(tmp_path: Path) -> None:
    run = tmp_path / "run"
    schedule = "train.schedule=constant(epochs=1) -> one_cycle(from=1e30, peak=50%)"
    error = error_of(lambda: begin(schedule, "train.ema=none", out=run))
    assert error.code == "E436" and "at step 2" in error.message
    _, tensors, scalars, _ = load_checkpoint(run / "checkpoints")
    assert scalars["step"] == PER_EPOCH
    assert all(value.isfinite().all() for value in tensors.values())
    assert open_run(run).classes == list("0123456789")


DEEP = """
data { source = digits }
network Deep {
  conv(8) -> relu
  conv(8, init=normal(std=1e38)) -> relu
  global_avg_pool -> dense(10)
}
train { epochs = 1; batch = 64 }
"""


@pytest.mark.parametrize(
    ("text", "sets", "words"),
    [
        (DEEP, (), "at step 1 in the output of `conv2` (small.cnn:5:3), its input up to"),
        (DEEP.replace("1e38", "1e10"), ("train.optimizer=sgd(lr=1e30)",), "at step 1 in the weights `conv1.weight`"),
        (DEEP.replace(", init=normal(std=1e38)", ""), ("train.optimizer=sgd(lr=1e30)",), "at step 2 in the output of"),
    ],
)
def test_the_layer_where_numbers_go_wrong_is_named(
    tmp_path: Path, text: str, sets: tuple[str, ...], words: str
) -> None:
    error = error_of(lambda: begin(*sets, text=text, out=tmp_path / "run", device="cpu"))
    assert error.code == "E436" and words in error.message


def test_what_is_not_a_run(tmp_path: Path, straight: Path) -> None:
    assert error_of(lambda: open_run(tmp_path / "nowhere")).code == "E439"
    assert error_of(lambda: open_run(tmp_path)).code == "E439"
    (tmp_path / "run.json").write_text("{")
    assert error_of(lambda: open_run(tmp_path)).code == "E439"
    (tmp_path / "run.json").write_text('{"format": 999}')
    error = error_of(lambda: open_run(tmp_path))
    assert error.code == "E447" and "999" in error.message
    assert straight.name in error_of(lambda: open_run(straight.parent)).help


@pytest.fixture
def copied(straight: Path, tmp_path: Path) -> Path:
    """A copy of the run, to be damaged."""
    import shutil

    return Path(shutil.copytree(straight, tmp_path / "copy"))


@pytest.mark.parametrize("damage", ["gone", "empty", "truncated", "other network"])
def test_weights_that_cannot_be_used(copied: Path, damage: str) -> None:
    path = copied / "best.safetensors"
    match damage:
        case "gone":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "truncated":
            path.write_bytes(path.read_bytes()[:-10])
        case _:
            train_with_other_spec(copied)
    codes = {"gone": "E442", "empty": "E443", "truncated": "E443", "other network": "E445"}
    assert error_of(lambda: open_run(copied)).code == codes[damage]


def train_with_other_spec(run: Path) -> None:
    """Make a run look as if its spec had always been another one."""
    text = (run / "spec.cnn").read_text().replace("conv(8)", "conv(9)")
    (run / "spec.cnn").write_text(text)
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**info, "spec_sha256": sha256_of(text)}))


def test_a_spec_that_was_changed_after_the_training(copied: Path) -> None:
    spec = copied / "spec.cnn"
    text = spec.read_text()
    spec.write_text(text.replace("epochs", "epochs ", 1))
    for call in (lambda: open_run(copied), lambda: resume(copied, quiet=True)):
        assert error_of(call).code == "E434"
    spec.write_bytes(text.replace("\n", "\r\n").encode())
    open_run(copied)


@pytest.mark.parametrize("is_written", [False, True])
def test_a_kill_while_a_changed_spec_is_taken_on(copied: Path, is_written: bool) -> None:
    """`run.json` knows the spec that comes next before `spec.cnn` is written: either of the two can be gone on with."""
    text, info = (copied / "spec.cnn").read_text(), read_info(copied)
    following = {"spec_sha256": sha256_of(text + "\n"), "base": info["base"], "resumed": [{"exact": True}]}
    (copied / "run.json").write_text(json.dumps({**info, "resumed": [], "next": following}))
    if is_written:
        (copied / "spec.cnn").write_text(text + "\n")
    open_run(copied)
    resume(copied, quiet=True)
    info = read_info(copied)
    assert "next" not in info and len(info["resumed"]) == (2 if is_written else 1)
    assert info["spec_sha256"] == sha256_of((copied / "spec.cnn").read_text())


def test_a_checkpoint_of_another_network(copied: Path) -> None:
    train_with_other_spec(copied)
    assert error_of(lambda: resume(copied, quiet=True)).code == "E445"


def test_data_that_have_changed(copied: Path) -> None:
    info = read_info(copied)
    (copied / "run.json").write_text(json.dumps({**info, "data_sha256": "0" * 64}))
    found = error_of(lambda: resume(copied, quiet=True))
    assert found.code == "E441" and "as many images of the same classes, with another content" in found.message
    assert f"SHA-256 {'0' * 16}… then, {info['data_sha256'][:16]}… now" in found.message
    images = {"train": 7, "validation": info["images"]["validation"]}
    changed = {"data_sha256": "0" * 64, "images": images, "classes": ["x", *info["classes"][1:]]}
    (copied / "run.json").write_text(json.dumps({**info, **changed}))
    words = error_of(lambda: resume(copied, quiet=True)).message
    assert f"`x` then, `{info['classes'][0]}` now, 7 training images then, " in words and "validation" not in words
    assert error_of(lambda: evaluate_run(open_run(copied))).code == "E441"


def test_a_run_without_checkpoints(copied: Path) -> None:
    for path in (copied / "checkpoints").iterdir():
        path.unlink()
    assert error_of(lambda: resume(copied, quiet=True)).code == "E438"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"device_name": "Abacus, 1 thread"}, "the device was Abacus, 1 thread"),
        ({"versions": {"torch": "1.0", "numpy": "1", "specc": "0"}}, "torch was 1.0"),
    ],
)
def test_another_place_is_refused_without_a_word(copied: Path, changed: dict[str, Any], words: str) -> None:
    before = read_info(copied)
    (copied / "run.json").write_text(json.dumps({**before, **changed}))
    error = error_of(lambda: resume(copied, quiet=True))
    assert (error.code, error.status) == ("E486", 1) and words in error.message and "--resume-inexact" in error.help
    assert resume(copied, quiet=True, inexact=True).status == 0
    after = read_info(copied)
    assert {name: after[name] for name in changed} == {name: before[name] for name in changed}
    resumed = after["resumed"][-1]
    assert resumed["exact"] is False and words in resumed["changed"][0] and resumed["step"] == 44
    assert resume(copied, quiet=True).status == 0  # it is at home here now


def test_threads_and_precision_are_those_of_the_run(copied: Path) -> None:
    info = read_info(copied)
    name = info["device_name"].replace("1 thread", "2 threads")
    (copied / "run.json").write_text(json.dumps({**info, "threads": 2, "precision": "bf16", "device_name": name}))
    assert resume(copied, quiet=True).status == 0
    assert torch.get_num_threads() == 2
    after = read_info(copied)
    assert (after["threads"], after["precision"]) == (2, "bf16")
    assert after["plan"]["precision"] == {"is": "bf16", "because": "as the run was begun"}


def test_two_trainings_into_one_folder_are_refused(copied: Path) -> None:
    first = RunFolder(copied)
    error = error_of(lambda: resume(copied, quiet=True))
    assert error.code == "E485" and f"process {os.getpid()}" in error.message
    assert error_of(lambda: begin(out=copied)).code == "E485"
    first.lock.release()
    assert resume(copied, quiet=True).status == 0
    assert not (copied / ".lock").exists()


def test_a_lock_that_a_killed_process_left_is_no_lock(copied: Path) -> None:
    (copied / ".lock").write_text("4711\n")
    (copied / ".best.safetensors.abc.part").write_bytes(b"half")
    assert resume(copied, quiet=True).status == 0
    assert not any(path.name.startswith(".") for path in copied.iterdir())


def test_a_spec_of_the_users_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "spec.cnn").write_text("network Mine {}")
    assert error_of(lambda: begin(out=tmp_path)).code == "E435"
    assert (tmp_path / "spec.cnn").read_text() == "network Mine {}"
    assert {path.name for path in tmp_path.iterdir()} == {"spec.cnn"}


@pytest.mark.parametrize("refused", range(9))
@pytest.mark.parametrize("what", ["fsync", "replace"])
def test_a_full_disk_stops_and_loses_nothing(
    straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, refused: int
) -> None:
    """The disk takes so many files and no more; with room again the run comes to the same end."""
    run, calls, real = tmp_path / "run", count(), os.fsync if what == "fsync" else Path.replace

    def full(*arguments: Any) -> Any:
        if next(calls) >= refused:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*arguments)

    monkeypatch.setattr(os if what == "fsync" else Path, what, full)
    error = error_of(lambda: begin(out=run))
    assert (error.code, error.status) == ("E481", 2) and "No space left" in error.message
    monkeypatch.undo()
    if (run / "run.json").exists():
        assert "--resume" in error.help
        assert resume(run, quiet=True).status == 0
    else:
        begin(out=run)
    assert figures(straight) == figures(run)
    assert same_weights(straight, run) and same_weights(straight, run, "best.safetensors")
    assert not any(path.name.startswith(".") for path in run.rglob("*"))


def test_a_second_ctrl_c_stops_at_once() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupt() as interrupt:
        assert (interrupt.signal, interrupt.status) == (None, 0)
        os.kill(os.getpid(), signal.SIGINT)
        assert (interrupt.signal, interrupt.status) == (signal.SIGINT, 130)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_quiet_says_nothing(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    begin("train.epochs=0.1", out=tmp_path / "run")
    assert capfd.readouterr() == ("", "")
    with Quiet() as quiet:
        quiet.say("nothing")
    assert capfd.readouterr() == ("", "")


def test_an_interrupt_within_another_knows_what_that_has_seen() -> None:
    with Interrupt() as outer:
        os.kill(os.getpid(), signal.SIGTERM)
        with Interrupt() as inner:
            assert inner.signal == signal.SIGTERM and inner.status == 143
    with Interrupt() as outer, Interrupt() as inner:
        os.kill(os.getpid(), signal.SIGINT)
    assert inner.signal == signal.SIGINT and outer.signal is None
