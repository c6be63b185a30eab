"""Every example in the help of every command does what it says: it is run, as it stands."""

import io
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from specc.cli import app
from tests.helpers.fake_sink import install
from tests.helpers.task_runs import trained
from tests.helpers.tiny_data import write_folder
from tests.helpers.torch_files import archive, table, tensor, text

SPEC = """\
data {{ source = digits }}

network {name}(width=4) {{
  conv(width) -> relu
  flatten -> dense(10)
}}

train {{
  epochs = {epochs}
  batch  = 256
}}

variant deep {{ network.width = 6 }}
variant wide {{ network.width = 8 }}
search {{ network.width = choice(3, 4) }}
variant best extends wide {{ train.batch = 128; train.clip = 1 }}
"""


def examples(command: str) -> list[str]:
    """The command lines in a command's help."""
    text = app.load(command).help or ""
    return re.findall(r"^\s+(specc .+)$", text, re.MULTILINE)


def _write_data(place: Path) -> None:
    """What `specc new --data` looks at in the examples: a folder, a table, images and masks."""
    write_folder(place / "flowers")
    names = [f"flowers/class{number // 4}/{number % 4}.png" for number in range(8)]
    (place / "birds.csv").write_text("file,species,habitat\n" + "".join(f"{n},owl {n[13]},{n[15]}\n" for n in names))
    for number in range(4):
        for folder, image in (("images", Image.new("RGB", (16, 16))), ("masks", Image.linear_gradient("L"))):
            (place / "tissue" / folder).mkdir(parents=True, exist_ok=True)
            image.resize((16, 16)).point(lambda level: level % 2).save(place / "tissue" / folder / f"{number}.png")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that the examples name."""
    place = tmp_path_factory.mktemp("help")
    (place / "specs").mkdir()
    (place / "photos").mkdir()
    (place / "cells").mkdir()
    (place / "weights.pth").write_bytes(archive(table(text("conv.weight"), tensor())))
    names = {"digits": "Digits", "specs/net": "Net", **dict.fromkeys(("a", "b", "net", "wider"), "Net")}
    for file, name in names.items():
        (place / f"{file}.cnn").write_text(SPEC.format(name=name, epochs=0.2))
    for image in ("cat.jpg", "photos/dog.png", "beach.jpg", "cells/first.png", "cells/second.png"):
        Image.new("L", (8, 8)).save(place / image)
    _write_data(place)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        assert app.run(["fmt", "specs/net.cnn"]) == 0
        for spec, run in (("digits", "Digits-1"), ("net", "Net-1")):
            options = ["--device", "cpu", "--set", "train.epochs=1", "-q", "--out", f"runs/{run}"]
            assert app.run(["train", f"{spec}.cnn", *options]) == 0
        assert app.run(["search", "net.cnn", "--trials", "1", "-q"]) == 0
        shutil.copy("runs/Net-1/model.onnx", "model.onnx")
        trained(place / "tags", "multi-label").rename("runs/Tags-1")
        trained(place / "masks", "segmentation").rename("runs/UNet-1")
        (place / "digits.cnn").write_text(SPEC.format(name="Digits", epochs=1))
    return place


@pytest.mark.parametrize(
    ("command", "line"), [(command, line) for command in app.COMMANDS for line in examples(command)]
)
def test_an_example(
    specc: Callable[..., Any], place: Path, monkeypatch: pytest.MonkeyPatch, command: str, line: str
) -> None:
    monkeypatch.chdir(place)
    if line == "specc new first":
        Path("first.cnn").unlink(missing_ok=True)
    elif "first.cnn" in line and not Path("first.cnn").exists():
        Path("first.cnn").write_text(SPEC.format(name="First", epochs=0.2))
    if "--devices" in line:  # of which tests/launch starts real ones
        monkeypatch.setattr("specc.backend.launch.devices.devices", lambda: [f"cuda:{n}" for n in range(4)] + ["cpu"])
        monkeypatch.setattr("specc.backend.launch.start.launch", lambda *_: 0)
    if line.startswith(("specc watch", "specc playground")):
        monkeypatch.setattr("specc.cli.loopback.Loopback.serve_forever", lambda server: None)
    if command == "playground":  # a test installs nothing, and opens nothing
        monkeypatch.setattr("specc.npm.npm", lambda: None)
        monkeypatch.setattr("webbrowser.open", lambda url: True)
    if "tensorboard" in line:
        install(monkeypatch.setattr)
    if command == "lsp":  # an editor that leaves at once
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO()))
    words = [found for word in shlex.split(line)[1:] for found in (sorted(map(str, Path().glob(word))) or [word])]
    answer = specc(*words)
    if "--for web" in line and "error[E463]" in answer.err:
        pytest.skip("onnxruntime-web is not installed here")
    if command == "playground" and "error[E542]" in answer.err:
        pytest.skip("the packages of the playground are not installed here")
    assert answer.status == 0, answer.err


def test_every_command_has_one() -> None:
    assert all(examples(command) for command in app.COMMANDS)
