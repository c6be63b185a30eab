"""What lies where a run, a model or a spec should: pipes, devices, folders, links in a circle, files without an end."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from specc.backend.onnx.verify import verify
from specc.backend.predict.file import from_file
from specc.backend.run.folder import create
from specc.backend.run.load import open_run
from specc.backend.run.metrics import read_lines
from specc.backend.start import resolve_start
from specc.backend.train.resume import resume
from specc.check import check
from specc.errors import SpeccError
from specc.files import write_together
from specc.source import Source
from tests.helpers.written_run import SPEC, WEIGHTS, about, header, write_run

HUGE = 200 * 10**9


def sparse(start: bytes) -> Callable[[Path], None]:
    """A file of 200 GB that begins like this, and takes no room."""

    def make(path: Path) -> None:
        path.write_bytes(start)
        os.truncate(path, HUGE)

    return make


def promising() -> bytes:
    """A header that promises the weights, and one tensor that makes the file 200 GB long."""
    length = int.from_bytes(WEIGHTS[:8], "little")
    names, size = json.loads(WEIGHTS[8 : 8 + length]), len(WEIGHTS) - 8 - length
    last = HUGE - 8 - (more := 4096)
    names["more"] = {"dtype": "U8", "shape": [last - size], "data_offsets": [size, last]}
    return header(json.dumps(names).ljust(more)) + WEIGHTS[8 + length :]


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


ODD: dict[str, Callable[[Path], Any]] = {
    "pipe": os.mkfifo,
    "device": device,
    "folder": Path.mkdir,
    "link to itself": loop,
    "200 GB": sparse(b""),
}
FILES = {"spec.cnn": "E439", "run.json": "E439", "best.safetensors": "E443"}
WORDS = {"pipe": "a pipe, a socket or a device", "device": "a pipe, a socket or a device", "folder": "is a folder"}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("odd", ODD)
def test_a_file_of_a_run(name: str, odd: str, tmp_path: Path, meets: Callable[..., None]) -> None:
    path = write_run(tmp_path / "run")
    (path / name).unlink()
    ODD[odd](path / name)
    meets(FILES[name], WORDS.get(odd, name), lambda: open_run(path))


@pytest.mark.parametrize("odd", ODD)
def test_metrics(odd: str, tmp_path: Path, meets: Callable[..., None]) -> None:
    ODD[odd](tmp_path / "metrics.jsonl")
    meets("E439", "metrics.jsonl cannot be read", lambda: list(read_lines(tmp_path / "metrics.jsonl")))


@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
@pytest.mark.parametrize("odd", ODD)
def test_a_checkpoint(odd: str, suffix: str, tmp_path: Path, meets: Callable[..., None]) -> None:
    path = write_run(tmp_path / "run")
    file = path / "checkpoints" / "00000001"
    file.with_suffix(".json").write_text(about(WEIGHTS))
    file.with_suffix(".safetensors").write_bytes(WEIGHTS)
    file.with_suffix(suffix).unlink()
    ODD[odd](file.with_suffix(suffix))
    meets("E438", "are damaged: 00000001.safetensors", lambda: resume(path, quiet=True))


@pytest.mark.parametrize("odd", ODD)
def test_a_model(odd: str, tmp_path: Path, meets: Callable[..., None]) -> None:
    path = tmp_path / "model.onnx"
    ODD[odd](path)
    code = "E451" if odd == "200 GB" else "E450"
    meets(
        code, WORDS.get(odd, "200,000,000,000 bytes" if odd == "200 GB" else "symbolic links"), lambda: from_file(path)
    )
    meets(code, "model.onnx", lambda: verify(path, device=torch.device("cpu")))


@pytest.mark.parametrize("start", [b"", promising()], ids=["zeros", "that its header promises"])
def test_weights_of_200_gigabytes(start: bytes, tmp_path: Path) -> None:
    """The system may map such a file or not; it is never read as a whole."""
    path = write_run(tmp_path / "run")
    sparse(start)(path / "best.safetensors")
    with pytest.raises(Exception, match=r"is damaged|cannot be read|does not fit|cannot be memory-mapped") as caught:
        open_run(path)
    assert getattr(caught.value, "code", "") in ("E443", "E445")


def test_weights_are_begun_with_from_a_plain_file_only(tmp_path: Path, meets: Callable[..., None]) -> None:
    start = check(Source("net.cnn", SPEC), sets=['train.start=weights("start.safetensors")']).compiled().train.start
    assert start is not None
    os.mkfifo(tmp_path / "start.safetensors")
    meets("E443", "a pipe, a socket or a device", lambda: resolve_start(start, tmp_path))


@pytest.mark.parametrize("name", ["spec.cnn", "metrics.jsonl"])
def test_a_folder_to_train_into(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(SpeccError, match="a pipe, a socket or a device") as caught:
        create(tmp_path, "N", SPEC)
    assert caught.value.code == "E481" and [path.name for path in tmp_path.iterdir()] == [name]


FORGED = "run\nerror[E999]: forged\x1b[2J\u202e"
CALLS = [
    ["eval"],
    ["report"],
    ["runs"],
    ["export"],
    ["predict"],
    ["verify"],
    ["check"],
    ["show"],
    ["fmt"],
    ["emit"],
    ["train"],
    ["train", "--resume"],
]


@pytest.mark.parametrize("call", CALLS, ids=" ".join)
def test_a_path_forges_no_line(call: list[str], tmp_path: Path, specc: Callable[..., Any]) -> None:
    answer = specc(*call, tmp_path / FORGED, *(["x.png"] if call == ["predict"] else []))
    assert answer.status == 2 and "\\x0aerror[E999]: forged\\x1b[2J\\u202e" in answer.err
    assert sum(line.startswith("error[") for line in answer.err.splitlines()) == 1
    assert not {"\x1b", "\u202e"} & {*answer.err, *answer.out}


def test_data_in_a_circle_of_links(tmp_path: Path, specc: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    loop(tmp_path / "loop")
    text = SPEC.replace("digits", 'folder("loop")').replace("input(1", "input(3")
    (tmp_path / "net.cnn").write_text(text)
    for arguments in ((), ("--data-dir", "loop")):
        answer = specc("train", "net.cnn", "--quiet", *arguments)
        assert answer.status == 2 and answer.err.rpartition("error[")[2].startswith(("E403", "E478")), answer.err
    (tmp_path / "net.cnn").write_text(SPEC)
    answer = specc("train", "net.cnn", "--quiet", "--data-dir", "loop", "--set", "train.epochs=1")
    assert answer.status == 0 or "error[E478]" in answer.err, answer.err


@pytest.mark.parametrize("odd", ["pipe", "folder"])
def test_nothing_but_a_plain_file_is_written_over(odd: str, tmp_path: Path) -> None:
    ODD[odd](tmp_path / "model.onnx")
    with pytest.raises(OSError, match="it is a"):
        write_together({tmp_path / "other": b"", tmp_path / "model.onnx": b"new"})
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
