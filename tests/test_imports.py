"""The front end starts fast because it does without the heavy packages. Each command runs in a fresh interpreter."""

import json
import subprocess
import sys

import numpy as np
import pytest

HEAVY = ("torch", "onnx", "onnxruntime", "numpy", "scipy", "sklearn", "PIL", "safetensors", "rich", "pydantic")

RUN = """
import json, sys
from specc.cli.app import run
status = run(sys.argv[1:])
print(json.dumps([status, sorted(sys.modules)]))
"""

SHARD = {"name": "train-000000", "images": 5, "bytes": 10240, "sha256": "0" * 64, "table": "0" * 64}
INDEX = {
    "format": 1,
    "task": "classification",
    "classes": ["a", "b"],
    "shape": [1, 8, 8],
    "encoding": "raw",
    "quality": None,
    "ignore": None,
    "groups": False,
    "names": {},
    "parts": {"train": {"images": 5, "shards": [SHARD]}},
}


@pytest.mark.parametrize(
    "command",
    [
        "--version",
        "--help",
        "new other",
        "ops",
        "zoo",
        "ops conv --json",
        "lsp",
        "playground --help",
        "check net.cnn",
        "check wrong.cnn",
        "check archive.cnn",
        "check packed.cnn",
        "explain",
        "explain W512",
        "fmt net.cnn",
        "diff net.cnn --variant wide",
        "show net.cnn",
        "show net.cnn --json",
        "emit net.cnn",
        "train --help",
    ],
)
def test_the_front_end_imports_nothing_heavy(command, specc, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    specc("new", "net")
    np.savez(tmp_path / "archive.npz", images=np.zeros((4, 8, 8), np.uint8), labels=np.arange(4) % 2)
    archive = 'data { source = npz("archive.npz") }\nnetwork N { conv(8) -> global_avg_pool -> dense(2) }'
    (tmp_path / "archive.cnn").write_text(archive)
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards/index.json").write_text(json.dumps(INDEX))
    (tmp_path / "packed.cnn").write_text(archive.replace('npz("archive.npz")', 'packed("shards")'))
    (tmp_path / "wrong.cnn").write_text("network N { input(3, 32x32) -> conw(3) }")
    done = subprocess.run([sys.executable, "-c", RUN, *command.split()], capture_output=True, text=True)
    assert done.stdout, done.stderr
    status, modules = json.loads(done.stdout.splitlines()[-1])
    assert status == (1 if "wrong" in command else 0), done.stderr
    assert not {module.partition(".")[0] for module in modules} & set(HEAVY)
