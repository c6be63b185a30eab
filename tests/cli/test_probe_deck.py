"""`specc probe` on every variant of the lessons' decks: a few steps, and neither a compiler nor a stopwatch."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from specc.check.variants import variants_of
from specc.source import Source
from tests.helpers.tiny_data import write_mnist

# The library's warnings are not silenced here, and are on standard error.
PROBE = """
import sys
from specc.cli.app import run
status = run(["probe", *sys.argv[1:]])
assert "torch._inductor.compile_fx" not in sys.modules, "a compiler was loaded"
sys.exit(status)
"""


def probe(place: Path, *arguments: str) -> list[str]:
    """The names of the specs that were probed, in a process of its own."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(place / "cache"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "default", "-c", PROBE, *arguments, "--device", "cpu", "--all"]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (place / "cache/specc/plans").exists(), "something was measured"
    return [line.split()[0] for line in done.stdout.splitlines()][1:]


@pytest.mark.slow
def test_deck_cifar10(examples: Path, tmp_path: Path) -> None:
    text = (examples / "deck_cifar10.cnn").read_text(encoding="utf-8")
    made_up = text.replace("cifar10\n", 'npz("made_up.npz")\n').replace("for c in", "input(3, 16x16)\n  for c in", 1)
    (tmp_path / "deck.cnn").write_text(made_up)
    images = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
    np.savez(tmp_path / "made_up.npz", images=images, labels=np.arange(40) % 10)
    variants = variants_of(Source("deck.cnn", text))
    assert len(variants) > 15
    small = ("--set", "train.batch=2", "--set", "network.widths=[32, 32, 32]")
    assert probe(tmp_path, "deck.cnn", *small) == ["(none)", *variants]


def test_deck_fashion(examples: Path, tmp_path: Path) -> None:
    write_mnist(tmp_path)
    text = (examples / "deck_fashion.cnn").read_text(encoding="utf-8")
    (tmp_path / "deck.cnn").write_text(text)
    options = ("deck.cnn", "--data-dir", str(tmp_path), "--set", "train.batch=8")
    assert probe(tmp_path, *options) == ["(none)", *variants_of(Source("deck.cnn", text))]
