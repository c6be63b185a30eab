"""What a command says where the memory of a device is too small for a network, wherever it runs out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from specc.backend.engine.trainer import Trainer
from specc.backend.onnx.export import export_run
from tests.helpers.tiny_run import trained

SPEC = """\
data { source = digits }
network Net {
  conv(4) -> relu -> head(early, weight=0.3) { flatten -> dense(10) }
  flatten -> dense(10)
}
train { batch = 64; epochs = 2 }
"""
TOO_LITTLE = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 123456 bytes. Error code 12"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = trained(tmp_path_factory.mktemp("run"))
    export_run(run, device="cpu")
    return run


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Networks, or what is named, find no memory; the current folder has a spec `net.cnn`."""
    (tmp_path / "net.cnn").write_text(SPEC)
    monkeypatch.chdir(tmp_path)

    def patch(where: str = "specc.backend.build.Net.forward", error: Exception | None = None) -> None:
        def fail(*_: object, **__: object) -> None:
            raise error or RuntimeError(TOO_LITTLE)

        monkeypatch.setattr(where, fail)

    return patch


@pytest.mark.parametrize(
    "command",
    [
        ("probe", "net.cnn", "--device", "cpu"),
        ("probe", "net.cnn", "--device", "cpu", "--all"),
        ("train", "net.cnn", "--device", "cpu", "--quiet"),
        ("train", "net.cnn", "--device", "cpu", "--prove-resume"),
        ("eval", "RUN", "--device", "cpu"),
        ("export", "RUN", "--device", "cpu", "--out", "again.onnx"),
        ("export", "net.cnn"),
        ("verify", "RUN/model.onnx", "--device", "cpu"),
        ("predict", "RUN", "image.png"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_every_command_explains_it(
    specc: Callable[..., Any], fails: Callable[..., None], run: Path, command: tuple[str, ...]
) -> None:
    from PIL import Image

    Image.new("L", (8, 8)).save("image.png")
    fails()
    answer = specc(*(word.replace("RUN", str(run)) for word in command))
    assert answer.status == 2, answer.err
    assert "error[E448]" in answer.err and "123456 bytes requested at once, " in answer.err
    assert "internal error" not in answer.err


def test_a_training_that_has_no_checkpoint_does_not_claim_one(
    specc: Callable[..., Any], fails: Callable[..., None]
) -> None:
    fails("specc.backend.engine.trainer.Trainer.step")
    answer = specc("train", "net.cnn", "--device", "cpu", "--quiet")
    assert "free; no checkpoint has been written yet\n" in answer.err
    assert "train.batch = 32 with train.accumulate = 2 takes the same steps" in answer.err


def test_before_there_is_a_run_nothing_is_said_of_checkpoints(
    specc: Callable[..., Any], fails: Callable[..., None]
) -> None:
    fails("specc.backend.train.prepare.build")
    answer = specc("train", "net.cnn", "--device", "cpu", "--quiet")
    assert "error[E448]" in answer.err and "checkpoint" not in answer.err
    assert not Path("runs").exists()


def test_a_training_with_a_checkpoint_names_it(
    specc: Callable[..., Any], fails: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Trainer.step

    def step(trainer: Trainer) -> None:
        if trainer.state.step > trainer.per_epoch:
            raise RuntimeError(TOO_LITTLE)
        real(trainer)

    monkeypatch.setattr(Trainer, "step", step)
    answer = specc("train", "net.cnn", "--device", "cpu", "--quiet")
    assert "error[E448]" in answer.err and "free; the checkpoint of step 22 is kept\n" in answer.err


def test_a_study_lists_it(specc: Callable[..., Any], fails: Callable[..., None]) -> None:
    fails()
    answer = specc("study", "net.cnn", "--device", "cpu", "--quiet", "--seeds", "2")
    assert answer.status == 1 and "batches of 64 images do not fit in the memory of cpu: " in answer.out


def test_what_a_probe_advises(specc: Callable[..., Any], fails: Callable[..., None]) -> None:
    fails()
    answer = specc("probe", "net.cnn", "--device", "cpu")
    assert "batches of 64 images do not fit in the memory of cpu: " in answer.err
    assert "= help: train.batch = 32 needs less\n" in answer.err
    answer = specc("probe", "net.cnn", "--device", "cpu", "--set", "train.batch=1")
    assert "= help: use smaller images (`resize`) or a narrower network\n" in answer.err


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. GPU 1 has a total capacity"), "on cuda:1\n  = help: give another"),
        (RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"), "on cpu\n  = help: end other programs"),
    ],
)
def test_on_other_devices(
    specc: Callable[..., Any], fails: Callable[..., None], run: Path, error: Exception, message: str
) -> None:
    fails(error=error)
    assert f"there is not enough memory {message}" in specc("eval", run, "--device", "cpu").err


@pytest.mark.parametrize(
    "command",
    [
        ("train", "--device", "cpu", "--quiet"),
        ("train", "--device", "cpu", "--plan"),
        ("train", "--device", "cpu", "--prove-resume"),
        ("probe", "--device", "cpu"),
        ("export",),
    ],
    ids=" ".join,
)
def test_a_network_that_no_memory_holds_is_refused_before_it_is_built(
    specc: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """Its two dense layers would take 15 GB, more than the system is said to have."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("specc.backend.memory.free_memory", lambda: 10 * 1000**3)
    Path("net.cnn").write_text(SPEC.replace("conv(4)", "conv(3000000)"))
    name, *options = command
    answer = specc(name, "net.cnn", *options)
    assert answer.status == 2 and "error[E448]: the network does not fit in the memory of cpu" in answer.err, answer.err
    assert "10 GB are free" in answer.err
