"""What is installed is what was tested: a wheel, outside the checkout, in an environment of its own."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from specc.backend.onnx.web.page import SCRIPTS

PROJECT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = "from hatchling.build import build_wheel; import sys; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, folder], cwd=PROJECT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_it_holds_the_program_the_grammar_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    metadata = wheel.stem.removesuffix("-py3-none-any") + ".dist-info"
    assert {"specc/__init__.py", "specc/py.typed", "specc/grammar/cnn.lark", "specc/backend/build.py"} <= set(names)
    assert {f"specc/pages/{page.name}" for page in PROJECT.glob("specc/pages/*.md")} <= set(names)
    web = {f"specc/backend/onnx/web/{part}" for part in (*SCRIPTS, "page.html", "page.css", "license.txt")}
    assert web <= set(names)
    playground = PROJECT / "specc" / "playground" / "web"
    assert {f"specc/playground/web/{part.name}" for part in playground.iterdir()} <= set(names)
    assert {f"specc/examples/{spec.name}" for spec in PROJECT.glob("examples/*.cnn")} <= set(names)
    assert not [name for name in names if name.startswith("specc/examples/") and not name.endswith(".cnn")]
    assert {name.partition("/")[0] for name in names} == {"specc", metadata}
    assert not [name for name in names if "test" in name or "__pycache__" in name]


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The Python of an environment that holds the wheel, and borrows the packages that specc needs from this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / Path(sys.executable).name
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    zipfile.ZipFile(wheel).extractall(site)
    # Read as plain paths, so that the checkout's own editable installation is not followed.
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    Path(site, "borrowed.pth").write_text("\n".join(borrowed))
    where = subprocess.run(
        [python, "-c", "import specc; print(specc.__file__)"], check=True, capture_output=True, text=True, cwd=folder
    )
    assert where.stdout.startswith(site)
    return python


@pytest.mark.slow
def test_new_check_and_train_work_outside_the_checkout(installed, tmp_path):
    def specc(*arguments: str) -> str:
        done = subprocess.run(
            [installed, "-m", "specc", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    specc("new", "first")
    specc("check", "first.cnn")
    specc("train", "first.cnn", "--set", "train.epochs=2", "--out", "run")
    made = {path.name for path in (tmp_path / "run").iterdir()}
    assert made >= {"spec.cnn", "run.json", "metrics.jsonl", "best.safetensors", "last.safetensors", "model.onnx"}
    assert (tmp_path / "run" / "certificate.json").exists()
    specc("check", "run/spec.cnn")
    specc("verify", "run/model.onnx")
