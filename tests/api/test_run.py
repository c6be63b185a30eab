"""A run in Python: trained, watched, asked and exported."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from PIL import Image

import specc
from specc.api.generators import leaving_torch_alone
from specc.backend.device import exact, exactness
from tests.helpers.sent import sent

NET = """data { source = digits }
network Small {
  conv(4) -> relu
  flatten -> dense(10)
}
train { epochs = 2; batch = 128 }
"""


class Seen(specc.Callback):
    def __init__(self) -> None:
        self.epochs: list[tuple[float, bool]] = []
        self.notes: list[str] = []

    def on_note(self, text: str) -> None:
        self.notes.append(text)

    def on_epoch(self, line: dict[str, Any], is_best: bool) -> None:
        self.epochs.append((line["epoch"], is_best))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[specc.Run, Seen]:
    folder = tmp_path_factory.mktemp("trained")
    (folder / "net.cnn").write_text(NET)
    seen = Seen()
    run = specc.train(
        specc.load(folder / "net.cnn"), out=folder / "run", device="cpu", callbacks=[seen], progress=False
    )
    return run, seen


def test_a_training_tells_and_leaves_a_run(trained: tuple[specc.Run, Seen]) -> None:
    run, seen = trained
    assert [epoch for epoch, _ in seen.epochs] == [1, 2] and seen.epochs[0][1]
    assert (run.path / "model.onnx").exists() and run.classes == [str(digit) for digit in range(10)]
    assert run.metrics.column("epoch") == [1, 2] and "val_accuracy" in run.metrics.columns
    with pytest.raises(KeyError, match="there is no column 'accuracy'; there are epoch, step"):
        run.metrics.column("accuracy")
    assert repr(run) == f"<specc.Run {run.path}: Small, finished>"
    page = run._repr_html_()
    assert page.count("<tr>") == 3 and page.count("<figure") == 2 and "kept: epoch" in page and "<script" not in page
    assert not run.module.training


def test_it_is_what_the_command_trains(trained: tuple[specc.Run, Seen], specc: Any, tmp_path: Path) -> None:
    run, _ = trained
    (tmp_path / "net.cnn").write_text(NET)
    assert specc("train", tmp_path / "net.cnn", "--out", tmp_path / "run", "--device", "cpu", "-q").status == 0
    assert (tmp_path / "run/best.safetensors").read_bytes() == (run.path / "best.safetensors").read_bytes()


def test_torch_s_own_draws_and_threads_are_the_caller_s(trained: tuple[specc.Run, Seen], tmp_path: Path) -> None:
    run, _ = trained
    (tmp_path / "net.cnn").write_text(NET.replace("epochs = 2", "epochs = 1; plan = plan(threads=2)"))
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    specc.train(specc.load(tmp_path / "net.cnn"), out=tmp_path / "run", device="cpu", progress=False, export=False)
    specc.open_run(run.path).predict(np.zeros((8, 8), np.uint8))
    run.evaluate(device="cpu")
    assert torch.equal(torch.get_rng_state(), before) and torch.get_num_threads() == threads


def test_what_makes_a_device_exact_is_the_caller_s() -> None:
    before = exactness()
    with leaving_torch_alone():
        exact(torch.device("cuda", 0))
        assert exactness() != before
    assert exactness() == before


def test_a_run_goes_to_other_processes(trained: tuple[specc.Run, Seen]) -> None:
    run, _ = trained
    again = sent(run)
    assert again.path == run.path and again.metrics == run.metrics
    with pytest.raises(specc.SpeccError) as caught:
        specc.open_run(run.path / "none")
    error = sent(caught.value)
    assert (error.code, str(error), error.help) == (caught.value.code, str(caught.value), caught.value.help)


@pytest.mark.parametrize("threshold", [7, -0.1, float("nan")])
def test_a_threshold_is_a_probability(trained: tuple[specc.Run, Seen], threshold: float) -> None:
    with pytest.raises(ValueError, match="`threshold` must be from 0 to 1"):
        trained[0].predict(np.zeros((8, 8), np.uint8), threshold=threshold)


def test_predictions_of_all_that_is_an_image(trained: tuple[specc.Run, Seen], tmp_path: Path) -> None:
    run, _ = trained
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
    image = Image.fromarray(pixels)
    image.save(tmp_path / "digit.png")
    forms: list[Any] = [
        tmp_path / "digit.png",
        str(tmp_path / "digit.png"),
        image,
        image.convert("RGB"),
        pixels,
        pixels[:, :, None],
        torch.from_numpy(pixels)[None],
    ]
    first, *others = run.predict(forms, top=3)
    assert len(first.values) == 3
    assert all(other.values == first.values for other in others)
    assert run.predict(pixels, top=3).values == first.values
    paths: list[Path] = [tmp_path / "digit.png"]  # which mypy takes, too
    assert run.predict(paths, top=3)[0].values == first.values
    assert run.predict([tmp_path / "digit.png", image, pixels], top=1)[2].values == first.values[:1]


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((8, 8)), "the image has values of type float64"),
        (np.zeros((2, 8, 8, 3), np.uint8), "the image has the shape 2 x 8 x 8 x 3"),
        (torch.zeros(8, 8, dtype=torch.uint8), "the image has the shape 8 x 8"),
        (np.zeros((8, 8, 2), np.uint8), "the image has the shape 8 x 8 x 2"),
        (np.zeros((0, 8), np.uint8), "the image has the shape 0 x 8"),
        (Image.new("F", (8, 8)), "the image has floating-point pixels of unknown range"),
    ],
)
def test_what_is_no_image(trained: tuple[specc.Run, Seen], image: Any, words: str) -> None:
    with pytest.raises(specc.SpeccError, match=words) as caught:
        trained[0].predict(image)
    assert caught.value.code == "E461" and caught.value.help


def test_what_is_nothing_like_an_image(trained: tuple[specc.Run, Seen], tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="an image is a path, a PIL image, an array or a tensor, not a int"):
        trained[0].predict(3)  # type: ignore[call-overload]
    with pytest.raises(specc.SpeccError, match="does not exist"):
        trained[0].predict(tmp_path / "other.png")


def test_figures_with_intervals(trained: tuple[specc.Run, Seen]) -> None:
    evaluated = trained[0].evaluate(device="cpu")
    accuracy = evaluated.figures["accuracy"]
    assert accuracy.interval is not None and accuracy.value is not None
    assert accuracy.interval.low < accuracy.value < accuracy.interval.high
    assert accuracy.value == max(trained[0].metrics.column("val_accuracy"))
    assert (
        len(evaluated.outputs) == 10 and evaluated.images > 0 and evaluated.measured_on == "the test part, 355 images"
    )
    assert evaluated.warnings[0].startswith("the best of 2 epochs, chosen on the test part itself")


def test_exports_where_it_is_asked_to(trained: tuple[specc.Run, Seen], tmp_path: Path) -> None:
    files = trained[0].export(out=tmp_path / "small.onnx", precision=["int8"], device="cpu")
    assert [file.name for file in files] == ["small.onnx", "small.int8.onnx"]
    assert all(file.exists() for file in files)


def test_ctrl_c_leaves_a_run_that_goes_on_to_the_same_bits(trained: tuple[specc.Run, Seen], tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(NET)

    class Stop(specc.Callback):
        def on_epoch(self, line: dict[str, Any], is_best: bool) -> None:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt) as caught:
        specc.train(
            specc.load(tmp_path / "net.cnn"), out=tmp_path / "run", device="cpu", callbacks=[Stop()], progress=False
        )
    assert "specc.resume(" in caught.value.__notes__[0]
    run = specc.resume(tmp_path / "run", progress=False, export=False)
    assert run.metrics.column("epoch") == [1, 2]
    ours, theirs = run.path / "last.safetensors", trained[0].path / "last.safetensors"
    assert ours.read_bytes() == theirs.read_bytes()


def test_an_exception_in_a_callback_ends_the_training(tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(NET)

    class Broken(specc.Callback):
        def on_epoch(self, line: dict[str, Any], is_best: bool) -> None:
            raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        specc.train(
            specc.load(tmp_path / "net.cnn"), out=tmp_path / "run", device="cpu", callbacks=[Broken()], progress=False
        )
    assert specc.resume(tmp_path / "run", progress=False, export=False).metrics.column("epoch") == [1, 2]


def test_wrong_arguments_are_refused_before_anything_is_done(
    trained: tuple[specc.Run, Seen], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run, wrong = trained[0], cast("Any", specc)
    (tmp_path / "net.cnn").write_text(NET)
    spec = specc.load("net.cnn")
    pixels = np.zeros((8, 8), np.uint8)
    calls: list[tuple[type[Exception], str, Callable[[], object]]] = [
        (TypeError, "`spec` must be a Spec, not a str", lambda: wrong.train("net.cnn")),
        (TypeError, "must be a Callback, not the class Seen", lambda: wrong.train(spec, callbacks=[Seen])),
        (TypeError, r"callbacks=\[callback\]", lambda: wrong.train(spec, callbacks=Seen())),
        (TypeError, r"such as \['fp16'\]", lambda: run.export(precision=cast("Any", "fp16"))),
        (ValueError, "'int8', not 'fp8'", lambda: run.export(precision=cast("Any", ["fp8"]))),
        (ValueError, "`part` must be one of .*, not 'tset'", lambda: run.evaluate(cast("Any", "tset"))),
        (ValueError, "`top` must be at least 1, not 0", lambda: run.predict(pixels, top=0)),
    ]
    for kind, words, call in calls:
        with pytest.raises(kind, match=words):
            call()
    assert [path.name for path in tmp_path.iterdir()] == ["net.cnn"]


def test_a_run_stays_where_it_is_when_the_process_changes_its_folder(
    trained: tuple[specc.Run, Seen], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(trained[0].path.parent)
    run = specc.open_run("run")
    monkeypatch.chdir(tmp_path)
    assert len(run.metrics) == 2 and run.predict(np.zeros((8, 8), np.uint8)).values


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(specc.SpeccError) as caught:
        specc.open_run(tmp_path)
    assert caught.value.code == "E439"
