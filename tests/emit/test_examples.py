"""The examples and published architectures: the same keys, the same numbers, and source that stands by itself."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from specc.backend.build import build
from specc.check.variants import variants_of
from specc.source import Source

TESTS = Path(__file__).parent.parent
EXAMPLES = sorted((TESTS.parent / "examples").glob("*.cnn"))
SPECS = [*EXAMPLES, *sorted((TESTS / "check" / "architectures").glob("*.cnn"))]
VARIANTS = [
    (path, variant)
    for path in SPECS
    for variant in (None, *variants_of(Source(path.name, path.read_text(encoding="utf-8"))))
]
# Images that are as small as the network allows: the arithmetic is the same, and takes a hundredth of the time.
SMALLER = {"224x224": "64x64", "299x299": "107x107", "256x256": "32x32", "572x572": "188x188", "227x227": "67x67"}
EXPECTED = Path(__file__).parent / "expected"  # written by `specc emit examples/NAME.cnn --out tests/emit/expected/…`


def small(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.stem == "inception_v3":  # its auxiliary classifier fits only images of the published size
        return text
    for size, smaller in SMALLER.items():
        text = text.replace(size, smaller)
    return re.sub(r"expect\([^)]*\)", "identity", text)


@pytest.mark.parametrize(("path", "variant"), VARIANTS, ids=[f"{path.stem}-{v or ''}" for path, v in VARIANTS])
def test_same_keys(emitted, path, variant):
    emitted(path.read_text(encoding="utf-8"), variant=variant).has_the_same_keys()


@pytest.mark.slow
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_same_numbers(emitted, path):
    emitted(small(path)).computes_the_same()


def test_reads_as_formatted_and_linted(emitted, tmp_path):
    for path in EXAMPLES:
        (tmp_path / f"{path.stem}.py").write_text(emitted(path.read_text(encoding="utf-8"), name=path.name).text)
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["format", "--check", "--diff"], ["check", "--select=E,F,W,I,B,SIM"]):
        done = subprocess.run(
            [*ruff, *command, "--isolated", "--line-length=120", tmp_path], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["digits", "resnet20_cifar10"])
def test_what_people_read(emitted, name):
    text = (TESTS.parent / "examples" / f"{name}.cnn").read_text(encoding="utf-8")
    assert emitted(text, name=f"{name}.cnn").text == (EXPECTED / f"{name}.py").read_text(encoding="utf-8")


WITHOUT_SPECC = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "specc":
            raise ImportError(name)

sys.meta_path.insert(0, Refuse())
sys.path.insert(0, sys.argv[1])
import net, torch
from safetensors.torch import load_file
model = net.ResNet20().eval()
model.load_state_dict(load_file(sys.argv[1] + "/best.safetensors"))
given = load_file(sys.argv[1] + "/batch.safetensors")
assert torch.equal(model(given["x"]), given["logits"])
assert not [name for name in sys.modules if name.partition(".")[0] == "specc"]
"""


def test_runs_where_there_is_no_specc(emitted, tmp_path):
    found = emitted((TESTS.parent / "examples" / "resnet20_cifar10.cnn").read_text(encoding="utf-8"))
    (tmp_path / "net.py").write_text(found.text)
    trained = build(found.graph).eval()
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        save_file({"x": x, "logits": trained(x)}, tmp_path / "batch.safetensors")
    save_file(trained.state_dict(), tmp_path / "best.safetensors")
    done = subprocess.run([sys.executable, "-c", WITHOUT_SPECC, tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
