"""A run's weights carry a checksum, and what they mean: what differs from that is refused wherever a run is read."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save

from specc.backend.evaluation.of_run import evaluate_run
from specc.backend.onnx.export import export_run
from specc.backend.predict.run import from_run
from specc.backend.run.load import open_run
from specc.backend.run.weights import load_weights
from tests.helpers.small_run import error_of
from tests.helpers.tiny_run import trained

USES: dict[str, Callable[[Path], Any]] = {
    "eval": lambda run: evaluate_run(open_run(run), device="cpu"),
    "predict": from_run,
    "export": lambda run: export_run(run, device="cpu"),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("finished"))


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy to damage; its data stay where they are."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


def test_a_sound_run_is_read(run: Path) -> None:
    for use in USES.values():
        use(run)
    assert load_weights(open_run(run).net, run / "last.safetensors")["classes"] == ["red", "green", "blue"]


def flip(path: Path, *places: int) -> None:
    content = bytearray(path.read_bytes())
    for place in places:
        content[place] ^= 1
    path.write_bytes(content)


def cast(kind: torch.dtype) -> Callable[[Path], None]:
    """As a careless script writes them."""

    def change(path: Path) -> None:
        path.write_bytes(save({name: value.to(kind) for name, value in load(path.read_bytes()).items()}))

    return change


def swap(path: Path) -> None:
    """Two tensors of one shape change places; the checksum stays."""
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    head = json.loads(content[8 : 8 + size])
    head["batch_norm1.weight"], head["batch_norm2.weight"] = head["batch_norm2.weight"], head["batch_norm1.weight"]
    path.write_bytes(content[:8] + json.dumps(head, separators=(",", ":")).encode().ljust(size) + content[8 + size :])


DAMAGE: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "a flipped bit": (lambda path: flip(path, -1), "E443", "checksum does not match"),
    "two flipped bits": (lambda path: flip(path, -400, -17), "E443", "checksum does not match"),
    "tensors that changed places": (swap, "E443", "checksum does not match"),
    "integers": (cast(torch.int32), "E445", "is int32, not float32"),
    "half precision": (cast(torch.float16), "E445", "is float16, not float32"),
    "double precision": (cast(torch.float64), "E445", "is float64, not float32"),
    "no checksum": (lambda path: path.write_bytes(save(load(path.read_bytes()))), "E443", "has no checksum"),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("damage", DAMAGE)
def test_weights_that_were_changed_are_refused(run: Path, damage: str, use: str) -> None:
    change, code, phrase = DAMAGE[damage]
    change(run / "best.safetensors")
    error = error_of(lambda: USES[use](run))
    assert error.code == code and phrase in error.message
    assert not (run / "model.onnx").exists()


MEANINGS: dict[str, tuple[dict[str, Any], str]] = {
    "a deviation of zero": ({"std": [0.0, 0.0, 0.0]}, "entry 1 of `std` is `0.0`"),
    "another deviation": ({"std": [0.3, 0.3, 0.3]}, "entry 1 of `std` is `0.3`"),
    "another mean": ({"mean": [0.5, 0.5, 0.5]}, "entry 1 of `mean` is `0.5`"),
    "a negative deviation": ({"std": [-0.3, 0.3, 0.3]}, "`std` is not a list of numbers from 0 to 1"),
    "one class three times": ({"classes": ["x", "x", "x"]}, "`classes` is not a list of distinct strings"),
    "a permutation": ({"classes": ["red", "blue", "green"]}, "entry 2 of `classes` is `blue` instead of `green`"),
    "other classes": ({"classes": ["a", "b", "c"]}, "entry 1 of `classes` is `a` instead of `red`"),
    "another number of classes": ({"classes": ["red", "green"]}, "2 in `classes` instead of 3"),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("change", MEANINGS)
def test_a_run_json_of_another_meaning_is_refused(run: Path, change: str, use: str) -> None:
    values, phrase = MEANINGS[change]
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(info | values))
    error = error_of(lambda: USES[use](run))
    assert error.code == "E439" and phrase in error.message


def test_a_resumed_run_holds_run_json_against_the_data(run: Path) -> None:
    from specc.backend.train.resume import resume

    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(info | {"std": [0.3, 0.3, 0.3]}))
    error = error_of(lambda: resume(run, quiet=True))
    assert error.code == "E439" and "does not match the data" in error.message
