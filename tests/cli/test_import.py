"""`specc import`: weights of PyTorch as a safetensors file that says where they come from."""

import errno
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from specc.backend.build import build
from specc.backend.run.imported import Renamed, import_weights
from specc.backend.run.weights import open_weights
from specc.check.zoo import compiled
from specc.errors import SpeccError
from specc.zoo import FOLDER, families, naming_of
from specc.zoo.lookalikes import lookalikes
from tests.helpers.torch_files import archive, named, saved, table, tensor, text

Specc = Callable[..., Any]
NET = {"z.weight": torch.arange(6.0).view(2, 3).T, "a.bias": torch.ones(3).half(), "steps": torch.tensor(7)}
CHECKPOINT = {"model": {f"module.{name}": value for name, value in NET.items()}, "epoch": 3, "optimizer": {}}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("old", [False, True])
def test_the_tensors_are_those_of_the_file(specc: Specc, old: bool) -> None:
    source = saved(Path("net.pth"), CHECKPOINT, old=old)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    answer = specc("import", "net.pth")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.splitlines() == [
        "net.safetensors: 3 tensors, 6 float32, 3 float16, 1 int64",
        f"  from net.pth, SHA-256 {digest}",
        "  taken: `model`",
        "  without `module.` before each name",
        "  left out: epoch, optimizer",
    ]
    written = load_file("net.safetensors")
    assert written.keys() == NET.keys()
    assert all(torch.equal(written[name], value) and written[name].dtype == value.dtype for name, value in NET.items())
    with open_weights(Path("net.safetensors")) as values:
        about = values.checked(Path("net.safetensors"))
    assert about == {"imported": {"file": "net.pth", "sha256": digest, "key": "model"}}


def test_as_json(specc: Specc) -> None:
    saved(Path("net.pth"), CHECKPOINT)
    found = json.loads(specc("import", "net.pth", "--out", "other.safetensors", "--json").out)
    assert found["file"] == "other.safetensors" and found["source"]["file"] == "net.pth"
    assert found["numbers"] == {"float32": 6, "float16": 3, "int64": 1} and found["left_out"] == ["epoch", "optimizer"]


def test_what_is_left_out_is_counted_where_it_is_much(specc: Specc) -> None:
    saved(Path("net.pth"), {"model": NET, **{f"figure{at}": at for at in range(20)}})
    assert ", figure11, and 8 more\n" in specc("import", "net.pth").out


def test_a_key_is_taken(specc: Specc) -> None:
    saved(Path("net.pth"), {"model": NET, "ema": {"z.weight": torch.zeros(3, 2)}})
    assert "error[E495]" in specc("import", "net.pth").err and not Path("net.safetensors").exists()
    assert specc("import", "net.pth", "--key", "ema").status == 0
    assert load_file("net.safetensors")["z.weight"].sum() == 0


def test_only_what_an_import_wrote_is_overwritten(specc: Specc) -> None:
    saved(Path("net.pth"), NET)
    save_file({"own": torch.zeros(2)}, "own.safetensors")
    Path("text.safetensors").write_text("not weights")
    Path("folder.safetensors").mkdir()
    for name in ("own.safetensors", "text.safetensors", "folder.safetensors"):
        before = Path(name).read_bytes() if Path(name).is_file() else None
        answer = specc("import", "net.pth", "--out", name)
        assert answer.status == 2 and "error[E480]" in answer.err
        assert before is None or Path(name).read_bytes() == before
    assert specc("import", "net.pth").status == specc("import", "net.pth").status == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["net.pth", "--out", "net.pth"], "E475"),
        (["net.pth", "--out", "net.cnn"], "E475"),
        (["net.safetensors"], "E475"),
        (["net.safetensors", "--key", "model"], "E475"),
        (["none.pth"], "E442"),
        ([""], "E494"),
        (["."], "E494"),
        (["net.pth", "--as", "no_such_net"], "E470"),
        (["net.pth", "--out", "none/net.safetensors"], "E481"),
    ],
)
def test_what_is_refused(specc: Specc, here: Path, arguments: list[str], code: str) -> None:
    saved(Path("net.pth"), NET)
    before = Path("net.pth").read_bytes()
    answer = specc("import", *arguments)
    assert answer.status in (1, 2) and f"error[{code}]" in answer.err, answer.err
    assert {path.name for path in here.iterdir()} == {"net.pth"} and Path("net.pth").read_bytes() == before


def lite_values(called: str = "efficientnet_lite0") -> dict[str, torch.Tensor]:
    """Random weights under timm's names."""
    graph, _ = compiled(called)
    naming = naming_of(called, "timm")
    names = {str(naming.name_of(name)): tensor for name, tensor in build(graph).state_dict().items()}
    return {name: tensor for name, tensor in names.items() if name != "None"}


def lite(path: str, called: str = "efficientnet_lite0") -> Path:
    """A file of PyTorch's with random weights under timm's names."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return saved(Path(path), lite_values(called))


def test_weights_that_look_like_those_of_a_zoo_network_are_refused_by_name(specc: Specc) -> None:
    for place in ("hub/models--timm--efficientnet_lite0.ra_in1k/a.pth", "timm/efficientnet_lite0.ra_in1k/a.pth"):
        answer = specc("import", lite(place), "--as", "efficientnet_lite0", "--out", "a.safetensors")
        assert answer.status == 1 and "error[E498]: these are the weights timm/efficientnet_lite0.ra_in1k" in answer.err
        assert "it pads evenly" in answer.err and not Path("a.safetensors").exists()


def test_weights_that_look_like_those_of_a_zoo_network_are_refused_by_hash(
    specc: Specc, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hashlib.sha256(lite("renamed.pth").read_bytes()).hexdigest()
    (real,) = (one for one in lookalikes() if one.name == "timm/efficientnet_lite0.ra_in1k")
    monkeypatch.setattr("specc.zoo.lookalikes.lookalikes", lambda: (real._replace(sha256=digest[:8]),))
    answer = specc("import", "renamed.pth", "--as", "efficientnet_lite0")
    assert answer.status == 1 and "it pads evenly" in answer.err


def spec(weights: str, zoo: str = "efficientnet_lite0", network: str = "") -> Path:
    """A spec that begins with weights."""
    path = Path("net.cnn")
    path.write_text(f'extends "zoo:{zoo}"\n{network}\ntrain {{ start = weights("{weights}") }}\n', "utf-8")
    return path


LITE0 = "timm/efficientnet_lite0.ra_in1k"


def test_a_training_does_not_begin_with_weights_of_a_network_that_looks_the_same(
    specc: Specc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By their place, by the file that they were imported from, and by hash."""
    place = "hub/models--timm--efficientnet_lite0.ra_in1k/a.pth"
    lite(place)
    save_file(lite_values(), "efficientnet_lite0.ra_in1k.safetensors")
    answer = specc("import", place, "--out", "as_it_is.safetensors")
    assert f"published as {LITE0}" in answer.out
    save_file(lite_values(), "hashed.safetensors")
    digest = hashlib.sha256(Path("hashed.safetensors").read_bytes()).hexdigest()
    (real,) = (one for one in lookalikes() if one.name == LITE0)
    for weights in ("efficientnet_lite0.ra_in1k", "as_it_is", "hashed"):
        if weights == "hashed":
            assert specc("show", spec("hashed.safetensors"), "--start").status == 0
            monkeypatch.setattr("specc.zoo.lookalikes.lookalikes", lambda: (real._replace(sha256=digest[:8]),))
        answer = specc("show", spec(f"{weights}.safetensors"), "--start")
        assert answer.status == 1 and f"error[E498]: these are the weights {LITE0}" in answer.err, weights
        answer = specc("export", "net.cnn", "--out", "net.onnx")
        assert answer.status == 1 and "error[E498]: these are the weights" in answer.err, answer.err


def test_weights_that_look_like_those_of_a_zoo_network_fit_the_network_that_they_are_of(specc: Specc) -> None:
    """Which a spec may describe, although the zoo does not."""
    save_file(lite_values(), "efficientnet_lite0.ra_in1k.safetensors")
    own = Path("own.cnn")
    own.write_text((FOLDER / "efficientnet_lite.cnn").read_text("utf-8").replace("same_upper", "same"), "utf-8")
    lite0 = families()["efficientnet_lite"].models["efficientnet_lite0"]
    Path("net.cnn").write_text(
        f'extends "own.cnn"\n{lite0}\ntrain {{ start = weights("efficientnet_lite0.ra_in1k.safetensors") }}\n', "utf-8"
    )
    answer = specc("show", "net.cnn", "--start")
    assert answer.status == 0, answer.err


def test_what_the_origin_of_published_weights_does_otherwise_is_said(specc: Specc) -> None:
    save_file(lite_values("mobilenetv3_small_100"), "tf_mobilenetv3_small_100.in1k.safetensors")
    answer = specc("show", spec("tf_mobilenetv3_small_100.in1k.safetensors", "mobilenetv3_small_100"), "--start")
    words = "timm/tf_mobilenetv3_small_100.in1k was trained in `tf_mobilenetv3_small_100`, where `"
    assert answer.status == 0 and words in answer.out, answer.out
    answer = specc("show", spec("tf_mobilenetv3_small_100.in1k.safetensors", "tf_mobilenetv3_small_100"), "--start")
    assert answer.status == 0 and "was trained in" not in answer.out


def test_weights_of_another_network_of_the_zoo_with_the_same_shapes_are_told_apart(specc: Specc) -> None:
    source = lite("timm/tf_mobilenetv3_small_100.in1k/a.pth", "mobilenetv3_small_100")
    answer = specc("import", source, "--as", "mobilenetv3_small_100")
    assert answer.status == 1 and "of `tf_mobilenetv3_small_100`, not of `mobilenetv3_small_100`" in answer.err
    answer = specc("import", source, "--as", "tf_mobilenetv3_small_100")
    assert answer.status == 0 and "; published as timm/tf_mobilenetv3_small_100.in1k\n" in answer.out


def test_what_names_and_shapes_cannot_tell_is_said(specc: Specc) -> None:
    answer = specc("import", lite("net.pth"), "--as", "efficientnet_lite0")
    assert answer.status == 0 and "names and shapes cannot tell padding or eps" in answer.out


def test_a_full_disk_is_told_from_missing_permissions(specc: Specc, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    saved(Path("net.pth"), NET)
    monkeypatch.setattr("specc.backend.run.imported.write_atomic", full)
    answer = specc("import", "net.pth")
    assert "error[E481]" in answer.err and "free some disk space" in answer.err and "permissions" not in answer.err


def test_code_is_refused_and_not_run(specc: Specc, here: Path) -> None:
    shell = named("os", "system") + b"(" + text("touch evil") + b"tR"
    Path("net.pth").write_bytes(archive(table(text("a"), tensor(), text("b"), shell)))
    answer = specc("import", "net.pth")
    assert answer.status == 1 and "`os.system`" in answer.err and len(list(here.iterdir())) == 1


def test_a_name_that_safetensors_reserves(specc: Specc) -> None:
    saved(Path("net.pth"), {"__metadata__": torch.zeros(2)})
    assert "error[E494]" in specc("import", "net.pth").err and not Path("net.safetensors").exists()


def test_names_from_a_file_do_not_move_the_cursor(specc: Specc) -> None:
    saved(Path("net.pth"), {"model": NET, "\x1b[2J\nerror": 3})
    answer = specc("import", "net.pth")
    assert answer.status == 0 and "\x1b" not in answer.out and answer.out.count("\n") == 4


def test_tensors_may_be_renamed() -> None:
    saved(Path("net.pth"), NET)
    import_weights(Path("net.pth"), Path("one.safetensors"))
    first = Renamed({"first": NET["z.weight"].reshape(-1)}, {"zoo": "net"})
    import_weights(Path("one.safetensors"), Path("two.safetensors"), rename=lambda _, sha256: first)
    assert load_file("two.safetensors").keys() == {"first"}
    with pytest.raises(SpeccError, match="already exists"):
        import_weights(Path("one.safetensors"), Path("one.safetensors"), rename=lambda _, sha256: first)
