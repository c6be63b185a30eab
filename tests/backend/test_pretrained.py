"""`pretrained("…")` from the publisher, whom the tests play themselves, to a trained and an exported network."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from specc.backend.build import build
from specc.backend.initialize import initialize
from specc.check import check
from specc.files import cache_folder
from specc.reading import load_base, read_source
from specc.zoo import naming_of
from specc.zoo.weights import Published, class_names, published
from tests.helpers.checking import fine
from tests.helpers.publisher import Publisher, publishing
from tests.helpers.tiny_data import write_folder
from tests.helpers.torch_files import saved

MODEL, NAME = "squeezenet1_1", "torchvision/squeezenet1_1.IMAGENET1K_V1"
SPEC = f"""\
extends "zoo:{MODEL}"
network {{ classes = 3 }}
data {{ source = folder("photos"); resize = 48x48; view = 48x48; validation = split(20%) }}
train {{ start = pretrained("{NAME}"); freeze = backbone; epochs = 1; batch = 4 }}
"""


def theirs() -> dict[str, torch.Tensor]:
    """Weights of the model under torchvision's names."""
    graph = fine(check(read_source(f"zoo:{MODEL}"), load=load_base)).graph
    assert graph is not None
    net = build(graph)
    initialize(net, 1)
    naming = naming_of(MODEL, "torchvision")
    return {str(naming.name_of(name)): tensor for name, tensor in net.state_dict().items()}


@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Published]:
    """The entry of the table, with the address and the hash of a file that the tests publish under the same name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    content = saved(tmp_path / "net.pth", theirs()).read_bytes()
    write_folder(tmp_path / "photos", classes=3, each=5)
    Path("net.cnn").write_text(SPEC)
    with publishing(monkeypatch, content) as address:
        real = published()[NAME]
        url = f"{address}/models/{real.url.rpartition('/')[2]}"
        entry = real._replace(url=url, sha256=hashlib.sha256(content).hexdigest()[:8])
        monkeypatch.setitem(published(), NAME, entry)
        yield entry


def there() -> set[str]:
    """The files of weights in the user's cache, parts of downloads left out."""
    return {path.name for path in cache_folder().rglob("*") if path.is_file() and not path.name.startswith(".")}


def test_a_training_begins_with_them(specc, entry: Published) -> None:
    shown = specc("show", "net.cnn", "--start").out
    assert "features.0.weight" in shown and f"\n{NAME}: 50 loaded, 2 replaced\n" in shown
    answer = specc("train", "net.cnn", "--device", "cpu", "--out", "run")
    assert answer.status == 0, answer.err
    assert f"starts from {NAME}: 50 of 52 tensors loaded" in answer.out + answer.err
    assert len(Publisher.asked) == 1, "the file is downloaded once"
    sha256 = hashlib.sha256(Publisher.content).hexdigest()
    assert sha256 in Path("run/run.json").read_text()
    kernel, own = theirs()["features.0.weight"], load_file("run/best.safetensors")["conv1.weight"]
    assert torch.equal(own, kernel), "what is frozen is what was published, bit for bit"


def test_it_is_deployed_without_a_training(specc, entry: Published) -> None:
    text = f'extends "zoo:{MODEL}"\ndata {{ resize = 48x48; view = 48x48 }}\ntrain {{ start = pretrained("{NAME}") }}\n'
    Path("as_published.cnn").write_text(text)
    answer = specc("export", "as_published.cnn", "--out", "net.onnx")
    assert answer.status == 0 and "52 of 52 tensors loaded" in answer.out, answer.err
    seen = json.loads(specc("predict", "net.onnx", next(Path("photos").rglob("*.png")), "--json").out)
    assert {one["name"] for one in seen["predictions"][0]["classes"]} <= set(class_names("imagenet"))


def test_a_download_that_broke_off_goes_on(specc, entry: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Publisher, "short", 1_000_000)
    answer = specc("show", "net.cnn", "--start")
    assert answer.status != 0 and "error[E497]" in answer.err and "broke off" in answer.err
    assert there() == set()
    monkeypatch.setattr(Publisher, "short", 0)
    assert specc("show", "net.cnn", "--start").status == 0
    assert Publisher.asked[-1][0] == f"bytes={len(Publisher.content) - 1_000_000}-"
    name = Path(entry.url).name
    assert there() == {name, f"{name}.sha256", Path(name).with_suffix(".safetensors").name}


@pytest.mark.parametrize("command", [["train"], ["show", "--start"], ["export"]])
def test_another_file_is_refused(specc, entry: Published, monkeypatch: pytest.MonkeyPatch, command: list[str]) -> None:
    monkeypatch.setitem(published(), NAME, entry._replace(sha256="01234567"))
    answer = specc(command[0], "net.cnn", *command[1:])
    assert answer.status != 0 and "error[E496]" in answer.err and "01234567 is published" in answer.err
    assert there() == set() and not list(Path.cwd().glob("*.onnx"))
