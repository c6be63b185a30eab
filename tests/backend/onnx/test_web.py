"""The web page of a model: what is in it, what it is refused for, and where what runs it is looked for."""

import base64
import gzip
import hashlib
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from specc.backend.evaluation.intervals import wilson
from specc.backend.onnx import model_file
from specc.backend.onnx.export import export_run
from specc.backend.onnx.web import page as web
from specc.backend.onnx.web import runtime as npm
from specc.backend.onnx.web.page import write_page
from specc.backend.onnx.web.runtime import GLUE, HASHES, VERSION, WASM, Runtime, find_runtime
from specc.errors import SpeccError
from tests.helpers.tiny_model import sealed, tiny_body
from tests.helpers.tiny_run import CLASSES, trained

FAKE = Runtime(b"export const env = {}; // </script>", b"\0asm")
HOSTILE = ["</script><script>alert(1)</script>", "{{model}}", "<!-- <script> & 'é'"]


class Read(HTMLParser):
    """A page as a browser reads it: the text of each element that has an id or is a style or a script."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.inside = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        self.inside = attributes.get("id") or attributes.get("type") or tag

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        self.texts[self.inside] = self.texts.get(self.inside, "") + data

    def unpacked(self, name: str) -> bytes:
        return gzip.decompress(base64.b64decode(self.texts[name], validate=True))


def certificate(**more: Any) -> dict[str, Any]:
    hashes = dict.fromkeys(("weights_sha256", "data_sha256", "spec_sha256"), "0" * 64)
    cpu = {"largest_difference": 1e-7, "images": 20, "agreement": 1.0}
    return {"network": "Tiny", "validation_images": 20, "correct": 19, "providers": {"CPU": cpu}, **hashes, **more}


def model(folder: Path, body: bytes, **more: Any) -> Path:
    (folder / "model.onnx").write_bytes(sealed(body, **certificate(**more)))
    return folder / "model.onnx"


def refused(code: str, *arguments: Any) -> SpeccError:
    with pytest.raises(SpeccError) as caught:
        write_page(*arguments)
    assert caught.value.code == code
    return caught.value


def test_page_holds_everything_and_names_no_other_place(tmp_path: Path) -> None:
    (one,) = export_run(trained(tmp_path), device="cpu")
    page = Read(write_page(tmp_path / "web" / "index.html", one.path, FAKE))
    assert page.unpacked("model") == one.path.read_bytes()
    assert (page.unpacked("runtime"), page.unpacked("wasm")) == FAKE
    facts = json.loads(page.texts["facts"])
    assert facts["classes"] == CLASSES and facts["size"] == [16, 16] and facts["output"] == "probabilities"
    places = [value for _, attributes in page.elements for name, value in attributes.items() if name in ("src", "href")]
    assert places == ["data:,"]
    text = page.rawdata + "".join(page.texts.values())
    assert "Copyright (c) Microsoft Corporation" in text and f"onnxruntime-web {VERSION}" in text
    assert one.certificate.model_sha256 in text
    low, high = wilson(round(36 * (one.certificate.figures["accuracy"] or 0)), 36) or (0, 0)
    assert f"({low:.2%} to {high:.2%}) on 36 validation images: the best of 2 epochs" in page.texts["p"]


def test_policy_allows_this_script_and_this_style_and_no_network(tmp_path: Path) -> None:
    page = Read(write_page(tmp_path / "index.html", model(tmp_path, tiny_body()), FAKE))
    (policy,) = [found["content"] for _, found in page.elements if "http-equiv" in found]
    rules = dict(rule.strip().split(" ", 1) for rule in str(policy).split(";"))
    for rule, text in {"script-src": page.texts["module"], "style-src": page.texts["style"]}.items():
        assert f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in rules[rule].split()
    assert rules["default-src"] == "'none'" and "connect-src" not in rules and "unsafe-inline" not in str(policy)


def test_same_model_gives_the_same_page(tmp_path: Path) -> None:
    path = model(tmp_path, tiny_body())
    first, second = (write_page(tmp_path / name / "index.html", path, FAKE) for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    body = tiny_body({model_file.CLASSES: json.dumps(HOSTILE)})
    page = Read(write_page(tmp_path / "index.html", model(tmp_path, body, network=HOSTILE[0]), FAKE))
    assert json.loads(page.texts["facts"])["classes"] == HOSTILE
    assert [found.get("id") for tag, found in page.elements if tag == "script"] == [
        "facts", "model", "runtime", "wasm", None
    ]  # fmt: skip
    assert page.texts["h1"] == HOSTILE[0]


def test_models_that_no_page_can_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = tiny_body({model_file.INPUT: json.dumps({"channels": 4, "size": [4, 4]})})
    assert "images of 4 channels" in refused("E464", tmp_path / "page", model(tmp_path, many), FAKE).message
    monkeypatch.setattr(web, "LARGEST", 1000)
    large = model(tmp_path, tiny_body(kernel=np.zeros((48, 3), np.float32)))
    assert "browsers hold at most" in refused("E464", tmp_path / "page", large, FAKE).message
    monkeypatch.setattr(model_file, "LARGEST", 1000)
    (one,) = export_run(trained(tmp_path), device="cpu")
    assert "in a file beside it" in refused("E464", tmp_path / "page", one.path, FAKE).message
    assert not (tmp_path / "page").exists()


def test_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "web").write_text("a file")
    assert "web" in refused("E481", tmp_path / "web" / "index.html", model(tmp_path, tiny_body()), FAKE).message


# Where onnxruntime-web is looked for


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, an empty cache, no npm, and small files for the real ones."""
    monkeypatch.setattr(npm, "HASHES", {GLUE: model_file.sha256(b"glue"), WASM: model_file.sha256(b"wasm")})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "work" / "here").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work" / "here")
    return tmp_path


def put(folder: Path, wasm: bytes = b"wasm") -> Path:
    folder.mkdir(parents=True)
    (folder / GLUE).write_bytes(b"glue")
    (folder / WASM).write_bytes(wasm)
    return folder


def fake_npm(folder: Path, script: str) -> None:
    """A program `npm`: it finds the folder after --prefix in `$3`."""
    (folder / "bin").mkdir()
    (folder / "bin" / "npm").write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
    (folder / "bin" / "npm").chmod(0o755)


def not_found(*arguments: Path) -> str:
    with pytest.raises(SpeccError) as caught:
        find_runtime(*arguments)
    assert caught.value.code == "E463" and f"npm install onnxruntime-web@{VERSION}" in str(caught.value.help)
    return caught.value.message


@pytest.mark.parametrize("place", ["package", "package/dist"])
def test_runtime_of_a_folder_that_is_named(alone: Path, place: str) -> None:
    put(alone / place)
    assert find_runtime(alone / "package") == Runtime(b"glue", b"wasm")


def test_runtime_of_node_modules_above_and_of_the_cache(alone: Path) -> None:
    put(alone / "work" / "node_modules" / "onnxruntime-web" / "dist", b"wasm of another version")
    put(alone / "cache" / "specc" / f"onnxruntime-web-{VERSION}")
    assert find_runtime().wasm == b"wasm"
    put(alone / "work" / "here" / "node_modules" / "onnxruntime-web" / "dist")
    (alone / "cache" / "specc" / f"onnxruntime-web-{VERSION}" / WASM).unlink()
    assert find_runtime().wasm == b"wasm"


def test_runtime_that_is_nowhere(alone: Path) -> None:
    message = not_found()
    assert "cache/specc/onnxruntime-web-" in message and "npm, which would install it, is not on the PATH" in message


def test_folder_that_is_named_is_the_only_one(alone: Path) -> None:
    put(alone / "cache" / "specc" / f"onnxruntime-web-{VERSION}")
    assert f"looked in {alone / 'none'}: it is not there" in not_found(alone / "none")
    assert f"its {WASM} is not that of version {VERSION}" in not_found(put(alone / "changed", b"other"))
    assert f"it has no {GLUE}" in not_found(alone / "work")


def test_npm_installs_into_the_cache_and_leaves_two_files(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dist = "$3/node_modules/onnxruntime-web/dist"
    fake_npm(alone, f'mkdir -p "{dist}"; echo "$@" > "$3/../asked"; '
             f'printf glue > "{dist}/{GLUE}"; printf wasm > "{dist}/{WASM}"; echo large > "{dist}/other"')  # fmt: skip
    assert find_runtime() == Runtime(b"glue", b"wasm")
    cached = alone / "cache" / "specc" / f"onnxruntime-web-{VERSION}"
    said = capsys.readouterr()
    assert "installing onnxruntime-web" in said.err and str(cached) in said.err and said.out == ""
    asked = (cached / "asked").read_text().split()
    assert asked[:2] == ["install", "--prefix"] and asked[3:5] == [f"onnxruntime-web@{VERSION}", "--ignore-scripts"]
    assert {path.name for path in cached.iterdir()} == {GLUE, WASM, "asked"}


def test_npm_that_fails_says_why(alone: Path) -> None:
    fake_npm(alone, "echo 'npm error code ENOTFOUND' >&2; echo 'npm error no network here' >&2; exit 1")
    assert "npm could not install it: no network here" in not_found()


def test_npm_that_brings_something_else(alone: Path) -> None:
    dist = "$3/node_modules/onnxruntime-web/dist"
    fake_npm(alone, f'mkdir -p "{dist}"; for name in {" ".join(HASHES)}; do echo other > "{dist}/$name"; done')
    assert f"is not that of version {VERSION}" in not_found()
