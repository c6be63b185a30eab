"""The playground as a folder: whole, the same each time, and with a checker that runs by itself."""

import io
import json
import re
import subprocess
import sys
import zipfile
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from specc import npm
from specc.errors import SpeccError
from specc.playground import folder, packages
from tests.helpers.playground import real, small

IMPORT = re.compile(
    r"""^(?:import|export)\b[^;'"]*?\bfrom\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]""", re.MULTILINE
)
ALONE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from specc.playground.session import answering
text = "network N { input(3, 8x8) -> conv(4) -> relu -> flatten -> dense(2) }"
answer = answering()
told = json.loads(answer(json.dumps(["check", text, ""])))["answer"]
names = ("layers", "picture", "pytorch")
panes = [json.loads(answer(json.dumps(["pane", name])))["answer"] is not None for name in names]
page = json.loads(answer(json.dumps(["explain", "W501"])))["answer"]
print(json.dumps([told["summary"], panes, page[:7], sorted(sys.modules)]))
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    modules = small(tmp_path / "modules")
    monkeypatch.setattr(folder, "node_modules", lambda: modules)
    return folder.playground()


def test_it_is_whole(files: dict[str, bytes]) -> None:
    assert files == folder.playground()
    page = files["index.html"].decode()
    assert "{{" not in page
    (inline,) = re.findall(r'<script type="importmap">(.*?)</script>', page, re.DOTALL)
    digest = b64encode(sha256(inline.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in folder.policy() and folder.policy() in page
    known = json.loads(inline)["imports"]
    assert {path.removeprefix("./") for path in known.values()} < set(files)
    for name in [name for name in files if name.endswith(".js") and "/" not in name]:
        for found in IMPORT.findall(files[name].decode()):
            target = "".join(found)
            assert target in known or target.removeprefix("./") in files, (name, target)
    linked = re.findall(r'(?:src|href)="([^":#]+)"', page)
    assert linked and set(linked) <= set(files)
    assert "://" not in "".join(files[name].decode() for name in files if name.endswith((".css", "index.html")))
    assert next(iter(json.loads(files["examples.json"]))) == "digits"


def test_whose_work_it_holds_is_said(files: dict[str, bytes]) -> None:
    text = files["licenses.txt"].decode()
    for name in (*packages.MODULES, *folder.NEEDED):
        assert f"\n{name} " in text, name
    assert "The terms of @codemirror/view" in text and "Mozilla Public License 2.0" in text and "Permission" in text


def test_the_checker_in_it_runs_by_itself(files: dict[str, bytes], tmp_path: Path) -> None:
    archive = zipfile.ZipFile(io.BytesIO(files["specc.zip"]))
    names = archive.namelist()
    assert not [name for name in names if name.startswith(("specc/backend", "specc/cli", "specc/api"))]
    assert not [name for name in names if name.endswith((".js", ".pyc"))]
    archive.extractall(tmp_path / "alone")
    command = [sys.executable, "-I", "-S", "-c", ALONE, str(tmp_path / "alone")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    summary, panes, page, modules = json.loads(done.stdout)
    assert summary.endswith("3 x 8 x 8 → 2") and panes == [True] * 3 and page == "# W501:"
    assert not {name.partition(".")[0] for name in modules} & {
        "numpy",
        "torch",
        "onnx",
        "typer",
        "rich",
        "pygls",
        "cattrs",
    }
    assert not [name for name in modules if name.startswith(("specc.backend", "specc.cli"))]


def test_a_folder_that_cannot_be_written(files: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(SpeccError) as caught:
        folder.write_folder(tmp_path / "taken")
    assert caught.value.code == "E481" and "is a file" in caught.value.help
    with pytest.raises(SpeccError) as caught:
        folder.write_folder(tmp_path / "taken" / "below")
    assert caught.value.code == "E481" and caught.value.help.startswith(f"`{tmp_path / 'taken'}` is a file")


def test_a_folder_of_others_is_left_as_it_is(files: dict[str, bytes], tmp_path: Path) -> None:
    for name in ("index.html", folder.MARK):
        (tmp_path / "site").mkdir()
        (tmp_path / "site" / name).write_text("mine")
        with pytest.raises(SpeccError) as caught:
            folder.write_folder(tmp_path / "site")
        assert caught.value.code == "E522" and f"it holds {name}" in caught.value.message
        assert [path.name for path in (tmp_path / "site").iterdir()] == [name]
        (tmp_path / "site" / name).unlink()
        (tmp_path / "site").rmdir()


def test_the_real_packages_name_only_each_other() -> None:
    modules = real()
    for name in packages.MODULES:
        for found in IMPORT.findall(packages.module_of(modules, name).decode()):
            assert "".join(found) in packages.MODULES, name
        assert packages.about(modules, name)["license"] == "MIT"
    assert all((modules / "pyodide" / name).is_file() for name in packages.PYTHON)


# npm, which installs them


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def fake_npm(place: Path, script: str) -> None:
    """A program `npm`: it finds the folder after --prefix in `$3`."""
    (place / "npm").write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
    (place / "npm").chmod(0o755)


def missing() -> str:
    with pytest.raises(SpeccError) as caught:
        packages.node_modules()
    assert caught.value.code == "E542" and "--out" in caught.value.help
    return caught.value.message


def test_npm_installs_what_the_lock_names(bin_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fake_npm(
        bin_folder,
        'cd "$3" && mkdir node_modules && cp package-lock.json node_modules && echo "$@" > node_modules/asked',
    )
    place = packages.node_modules()
    assert place == packages.kept() and "with npm, into" in capsys.readouterr().err
    asked = (place / "asked").read_text().split()
    assert asked[0] == "ci" and "--ignore-scripts" in asked
    assert (place / "package-lock.json").read_bytes() == (packages.WEB / "package-lock.json").read_bytes()
    fake_npm(bin_folder, "exit 1")
    assert packages.node_modules() == place and capsys.readouterr().err == ""
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_packages_that_cannot_be_had(bin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is not on the PATH" in missing()
    fake_npm(bin_folder, "echo 'npm error code EINTEGRITY' >&2; echo 'npm error the hash is another' >&2; exit 1")
    assert "npm could not install it: the hash is another" in missing()
    fake_npm(bin_folder, "exit 0")  # which leaves nothing
    assert "could not be installed into" in missing()
    fake_npm(bin_folder, "sleep 20")
    monkeypatch.setattr(npm, "PATIENCE", 0.2)
    assert "within 0.2 s" in missing()


def test_every_package_is_held_to_a_hash() -> None:
    lock = json.loads((packages.WEB / "package-lock.json").read_bytes())
    asked = json.loads((packages.WEB / "package.json").read_bytes())
    assert lock["packages"][""]["dependencies"] == asked["dependencies"]
    assert all(one["integrity"].startswith("sha512-") for name, one in lock["packages"].items() if name)
    assert {f"node_modules/{name}" for name in (*packages.MODULES, "pyodide")} < set(lock["packages"])
