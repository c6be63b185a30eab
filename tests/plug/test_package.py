"""Words of an installed package, each in a file that nothing else knows, from `specc check` to the emitted source.

Each command runs in a process of its own, a fork, with the package in `tests/plug/package` installed or not.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.forked import Done, Forks

ROOT = Path(__file__).parents[2]
PACKAGE = Path(__file__).parent / "package"
SPEC = """\
data {
  source     = stripes(180)
  augment    = invert(0.2) -> maybe(0.5) { invert(0.1) }
  validation = split(20%)
}

network Net {
  conv(6, init=two_point) -> affine -> relu
  flatten -> dense(3)
}

train {
  epochs    = 3
  batch     = 16
  optimizer = sign_descent(lr=3e-3)
  schedule  = sawtooth(1)
  loss      = squared
}
"""


Specc = Callable[..., Done]


@pytest.fixture
def specc(front_forks: Forks, tmp_path: Path) -> Specc:
    """Run a command of the front end; `package` is installed beside specc."""

    def run(*arguments: object, package: Path | None = PACKAGE) -> Done:
        return front_forks.run(*arguments, cwd=tmp_path, path=package)

    return run


@pytest.fixture
def trains(forks: Forks, tmp_path: Path) -> Specc:
    """Run a command of the back end."""

    def run(*arguments: object, package: Path | None = PACKAGE, fault: str = "") -> Done:
        environment = {"SPECC_FAULT": fault} if fault else {}
        return forks.run(*arguments, cwd=tmp_path, path=package, environment=environment)

    return run


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "net.cnn"
    path.write_text(SPEC)
    return path


def test_words_of_a_package_are_as_good_as_our_own(specc: Specc, spec: Path) -> None:
    done = specc("check", spec, "--strict")
    assert done.status == 0, done.stderr
    for text, wrong, message in (
        ("lr=3e-3", "lr=0.5", "W901"),
        ("= squared", "= sqared", "did you mean `squared`?"),
        ("lr=3e-3", "rate=1", "its arguments are lr, momentum, weight_decay"),
        ("affine ->", "afine ->", "did you mean `affine`?"),
    ):
        spec.write_text(SPEC.replace(text, wrong))
        assert message in specc("check", spec).stderr


def test_words_of_a_package_are_documented(specc: Specc) -> None:
    listed = {entry["name"] for entry in json.loads(specc("ops", "--json").stdout)["ops"]}
    assert {"affine", "squared", "sign_descent", "sawtooth", "invert", "stripes", "two_point"} <= listed
    assert "# 8 x 16 x 16 -> 8 x 16 x 16" in specc("ops", "affine").stdout  # its example is worked out, too
    page = specc("explain", "W901")
    assert page.status == 0 and "each weight moves by 0.5 in a step" in page.stdout
    assert specc("explain", "W503").stdout == specc("explain", "W503", package=None).stdout
    assert "W901" in specc("explain").stdout


def test_without_the_package_its_words_are_not_there(specc: Specc, spec: Path) -> None:
    done = specc("check", spec, package=None)
    assert done.status == 1 and "there is no data source called `stripes`" in done.stderr
    assert specc("explain", "W901", package=None).status == 2


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_trained_killed_resumed_exported_verified_and_emitted(
    specc: Specc, trains: Specc, spec: Path, tmp_path: Path
) -> None:
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    done = trains("train", spec, "--out", straight, "--quiet")  # exports, too
    assert done.status == 0, done.stderr
    info = json.loads((straight / "run.json").read_text())
    assert info["packages"] == {"specc-plug": "1.0"}
    assert any("sign_descent" in line for line in info["applied"]) or info["plan"]["optimizer"]["is"] == "foreach"

    assert trains("train", spec, "--out", killed, "--quiet", fault="epoch.middle:14").status == -9
    done = trains("train", "--resume", killed, "--quiet")
    assert done.status == 0, done.stderr
    for name in ("last.safetensors", "best.safetensors"):
        assert (killed / name).read_bytes() == (straight / name).read_bytes()

    done = trains("verify", straight / "model.onnx")
    assert done.status == 0, done.stderr

    done = specc("emit", spec)
    assert done.status == 0, done.stderr
    assert "import specc_plug.affine\n" in done.stdout and "specc_plug.affine.affine(6)" in done.stdout
    assert "needs packages that are installed beside specc: specc_plug.affine" in " ".join(done.stdout.split())
    (tmp_path / "emitted.py").write_text(done.stdout)
    (tmp_path / "compare.py").write_text(COMPARE)
    paths = os.pathsep.join(map(str, (ROOT, PACKAGE)))
    compare = [sys.executable, str(tmp_path / "compare.py"), str(straight)]
    compared = subprocess.run(
        compare, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    assert compared.returncode == 0, compared.stderr


COMPARE = """\
import sys
from pathlib import Path

import torch
from emitted import Net
from safetensors.torch import load_file

from specc.backend.run.load import open_run
from specc.plugins import load_words

load_words()
run = Path(sys.argv[1])
net = Net()
net.load_state_dict(load_file(run / "best.safetensors"))
x = torch.randn(3, 1, 8, 8)
assert torch.equal(net.eval()(x), open_run(run).net(x))
"""


def test_a_run_needs_the_packages_that_it_was_trained_with(trains: Specc, spec: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    done = trains("train", spec, "--out", run, "--quiet", "--set", "train.epochs=1")
    assert done.status == 0, done.stderr
    done = trains("eval", run, package=None)
    assert done.status == 2 and "E492" in done.stderr and "specc-plug==1.0" in done.stderr
    newer = installed(tmp_path / "newer", "specc-plug", "2.0", (PACKAGE / "specc_plug-1.0.dist-info/entry_points.txt"))
    (newer / "specc_plug").symlink_to(PACKAGE / "specc_plug")
    done = trains("train", "--resume", run, "--quiet", package=newer)
    assert done.status == 1 and "specc-plug was 1.0, is now 2.0" in done.stderr


def installed(folder: Path, name: str, version: str, entry_points: Path | str) -> Path:
    """A folder in which a distribution is installed."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    points = entry_points.read_text() if isinstance(entry_points, Path) else entry_points
    (info / "entry_points.txt").write_text(points)
    return folder


HEAD = """\
from specc.ops.op import Op
from specc.vocabulary.family import Lookahead, Loss, Optimizer
from specc.vocabulary.target import Target
"""
LINT = """\
from specc.check.lint import Lint
WORDS = (Lint("{code}", "mine", "Mine.", "Why.", "Me.", "bad", "good", {find}),)
"""
REFUSED = {
    "the loss `mine` has no `doc`": 'WORDS = (Loss("mine", "", example="mine", target="a.b"),)',
    "the loss `focal` has a name that is taken": 'WORDS = (Loss("focal", "F.", example="focal", target="a.b"),)',
    "the loss `mine` has `b` as its `target`": 'WORDS = (Loss("mine", "Mine.", example="mine", target="b"),)',
    "TypeError: Loss.__init__() missing 1 required": 'WORDS = (Loss("mine", "Mine.", example="mine"),)',
    "has no parameter `lr`": 'WORDS = (Optimizer("mine", "Mine.", example="mine", target="a.b"),)',
    "the layer `conv` has a name that is taken": 'WORDS = (Op("conv", "other", "C.", example="conv", torch=print),)',
    "the layer `mine` has 'mine' as its `group`": 'WORDS = (Op("mine", "mine", "Mine.", example="mine", torch=print),)',
    "the layer `mine` has a module, but no ONNX nodes": (
        'WORDS = (Op("mine", "other", "Mine.", example="mine", torch=lambda x, a: Target("a.b", {})),)'
    ),
    "the layer `mine` has no module, and expands to": 'WORDS = (Op("mine", "other", "Mine.", example="mine"),)',
    "the family `lookahead` has one word": 'WORDS = (Lookahead("mine", "Mine.", example="mine"),)',
    "3 is neither a layer nor a component nor a lint": "WORDS = (3,)",
    "is a list; a tuple of words was expected": "WORDS = []",
    "ZeroDivisionError: division by zero": "WORDS = 1 / 0",
    "AttributeError": "words = ()",
    "imports numpy, which only the target of a word may do": "import numpy; WORDS = ()",
    "has a code of specc's own": LINT.format(code="W503", find="print"),
    "the lint W901 `mine` has None as its `find`": LINT.format(code="W901", find="None"),
}


@pytest.mark.parametrize("message", REFUSED)
def test_a_word_that_breaks_its_promises_is_refused_by_name(
    specc: Specc, spec: Path, tmp_path: Path, message: str
) -> None:
    folder = installed(tmp_path / "site", "specc-mine", "0.3", "[specc.vocabulary]\nmine = specc_mine:WORDS\n")
    (folder / "specc_mine.py").write_text(HEAD + REFUSED[message])
    done = specc("check", spec, package=folder)
    assert done.status == 2
    assert "E490" in done.stderr and "specc-mine 0.3" in done.stderr and message in done.stderr
    assert specc("fmt", "--check", spec, package=folder).status == 0  # what looks no word up still works
