"""What the README shows is what specc does."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.helpers.torch_files import saved

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
SPECS = re.findall(r"```cnn\n(.*?)```", README, re.DOTALL)
MISTAKES = {
    "residual { unit(width) -> conv(width)": "residual { unit(width) -> conv(2 * width)",
    "relu -> max_pool": "rleu -> max_pool",
    "epochs    =": "epoch     =",
}


@pytest.fixture
def first(specc, tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    specc("new", "first")
    return tmp_path / "first.cnn"


def test_its_spec_is_the_starter_without_comments(first):
    (shown,) = (spec for spec in SPECS if "network First(" in spec)
    lines = [re.sub(r"\s*#.*", "", line) for line in first.read_text(encoding="utf-8").splitlines()]
    assert [line for line in lines if line] == [line for line in shown.splitlines() if line]


def test_its_first_screen_holds_a_spec_the_two_commands_and_a_picture(specc, tmp_path):
    first_screen = README.partition("\n## ")[0]
    (tmp_path / "digits.cnn").write_text(SPECS[0])
    assert SPECS[0] in first_screen and specc("fmt", "--check", tmp_path / "digits.cnn").status == 0
    assert "no problems" in "".join(specc("check", tmp_path / "digits.cnn")[1:])
    assert re.findall(r"^make (\w+) ", first_screen, re.MULTILINE) == ["train", "test"]
    assert "](docs/pictures/first.png)" in first_screen and first_screen.count("\n") < 45


OWN = {
    "Species": ("classification", 3),
    "Features": ("multi-label", 4),
    "Age": ("regression", 1),
    "Shapes": ("segmentation", 3),
}


@pytest.fixture
def photos(tmp_path) -> Path:
    """The table, the photos and the masks that the specs of "Your own data" are for."""
    draw = np.random.default_rng(0)
    (table,) = re.findall(r"```csv\n(.*?)```", README, re.DOTALL)
    rows = [table.splitlines()[0]]
    for folder in ("photos", "masks"):
        (tmp_path / folder).mkdir()
    for number in range(60):
        name = f"photos/{number:03}.png"
        Image.fromarray(draw.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(tmp_path / name)
        Image.fromarray(draw.integers(0, 3, (40, 50), dtype=np.uint8)).save(tmp_path / "masks" / f"{number:03}.png")
        features = ";".join(np.array(["day", "indoor", "night", "outdoor"])[draw.permutation(4)[:2]])
        rows.append(f"{name},{['bird', 'cat', 'dog'][number % 3]},{features},{number / 4}")
    (tmp_path / "photos.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", OWN)
def test_the_specs_for_your_own_data_train_as_they_stand(specc, photos, name):
    (text,) = (spec for spec in SPECS if f"network {name}(" in spec)
    file = photos / "net.cnn"
    file.write_text(text, encoding="utf-8")
    assert specc("fmt", "--check", file).status == 0
    assert "no problems" in "".join(specc("check", file)[1:])
    moment = [word for setting in ("epochs=1", "batch=16") for word in ("--set", f"train.{setting}")]
    answer = specc("train", file, *moment, "--set", "network.width=4", "--device", "cpu", "--out", photos / "run", "-q")
    assert answer.status == 0, answer.err
    certificate = json.loads((photos / "run" / "certificate.json").read_text())
    task, outputs = OWN[name]
    assert certificate["task"] == task
    info = json.loads((photos / "run" / "run.json").read_text())
    assert len(info["classes"]) == outputs
    assert specc("predict", photos / "run" / "model.onnx", photos / "photos" / "001.png").status == 0


def test_what_check_says(specc, first):
    text = first.read_text(encoding="utf-8")
    for right, wrong in MISTAKES.items():
        assert right in text
        text = text.replace(right, wrong, 1)
    first.write_text(text, encoding="utf-8")
    assert f"```text\n{specc('check', 'first.cnn').err}```" in README


def test_what_show_says(specc, first):
    assert f"```text\n{specc('show', 'first.cnn').out}```" in README


def test_what_ops_says(specc):
    (shown,) = re.findall(r"```text\n(conv\(.*?)```", README, re.DOTALL)
    said = specc("ops", "conv").out.splitlines()
    assert [line for line in shown.splitlines() if line != "…" and line not in said] == []


def test_its_table_holds_every_command():
    from specc.cli.app import COMMANDS

    assert re.findall(r"^\| `specc (\w+)", README, re.MULTILINE) == list(COMMANDS)


SETS = {  # so that it takes a moment
    "train flowers.cnn": ("--set", "train.epochs=1", "--quiet"),
    "train tulips.cnn": (
        *("--set", "train.epochs=1", "--set", "data.resize=32x32", "--set", "data.view=32x32", "--quiet"),
        *("--set", "train.freeze=backbone", "--set", "data.augment=none"),
    ),
}


def test_from_photos_to_a_deployed_model(specc, tmp_path, monkeypatch):
    """Every command of that section, with photographs and weights that are made up."""
    (section,) = re.findall(r"## From a folder of photos.*?\n## ", README, re.DOTALL)
    commands = [line for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL) for line in block.splitlines()]
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    for kind in ("rose", "tulip", "violet"):
        (tmp_path / "flowers" / kind).mkdir(parents=True)
        for number in range(12):
            pixels = draw.integers(0, 256, (40 + number, 60, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "flowers" / kind / f"{number}.jpg")
    Image.fromarray(pixels).save(tmp_path / "photo.jpg")
    saved(tmp_path / "efficientnet-lite0.pth", published("efficientnet_lite0", "efficientnet_lite"))
    assert len(commands) == 12
    for command in commands:
        arguments = shlex.split(command.partition(" #")[0])[1:]
        more = next((sets for start, sets in SETS.items() if " ".join(arguments).startswith(start)), ())
        answer = specc(*arguments, *more)
        assert answer.status == 0, (command, answer.err)
    assert (tmp_path / "runs" / "tulips" / "triton").is_dir()


def published(model: str, library: str) -> dict[str, Any]:
    """Random weights of a model under the names of a library."""
    from specc.backend.build import build
    from specc.backend.initialize import initialize
    from specc.check.zoo import compiled
    from specc.zoo import naming_of

    net = build(compiled(model)[0])
    initialize(net, 0)
    naming = naming_of(model, library)
    values = {naming.name_of(name): value for name, value in net.state_dict().items() if not naming.ignores(name)}
    return {str(name): value.contiguous() for name, value in values.items()}
