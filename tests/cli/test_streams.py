"""Closed streams, readers that leave, Ctrl-C and places that are gone: no command answers with a traceback."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from specc.cli import app
from tests.helpers.forked import Done, Forks
from tests.helpers.torch_files import archive, table, tensor, text

SPEC = """\
data { source = digits }
network Small(width=4) {
  conv(width) -> relu
  flatten -> dense(10)
}
train { epochs = 0.1; batch = 64 }
variant wide { network.width = 6 }
search { train.batch = choice(32, 64) }
"""
COMMANDS = {
    "new": ["second"],
    "check": ["net.cnn", "wrong.cnn"],
    "fmt": ["-"],
    "show": ["net.cnn"],
    "diff": ["net.cnn", "--variant", "wide"],
    "ops": [],
    "zoo": [],
    "explain": [],
    "probe": ["net.cnn", "--device", "cpu"],
    "train": ["net.cnn", "--device", "cpu", "--out", "new"],
    "study": ["net.cnn", "--device", "cpu", "--seeds", "1", "--subset", "20", "--variants", "wide"],
    "search": [
        "net.cnn",
        "--device",
        "cpu",
        "--trials",
        "1",
        "--subset",
        "20",
        "--out",
        "found",
        "--sampler",
        "random",
    ],
    "pack": ["net.cnn", "--out", "shards"],
    "eval": ["run"],
    "report": ["run"],
    "watch": ["run"],
    "log": ["run", "--to", "tensorboard"],
    "runs": ["."],
    "predict": ["run/model.onnx", "cat.png"],
    "export": ["run"],
    "verify": ["run/model.onnx"],
    "emit": ["net.cnn"],
    "import": ["weights.pth"],
    "doctor": [],
    "lsp": [],
    "playground": [],
}
STATUS = {"check": 1, "lsp": 2}  # what they are given here has errors; a spec is no message of an editor
FRONT = ("new", "check", "fmt", "show", "diff", "ops", "zoo", "explain", "emit", "lsp", "playground")
STREAMS = {"stdin": [0], "stdout": [1], "stderr": [2], "all": [0, 1, 2]}
Call = Callable[..., Done]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the commands are given."""
    place = tmp_path_factory.mktemp("streams")
    (place / "net.cnn").write_text(SPEC)
    (place / "wrong.cnn").write_text("network N { input(1, 8x8) -> conv(0) }\n")
    Image.new("L", (8, 8)).save(place / "cat.png")
    (place / "weights.pth").write_bytes(archive(table(text("conv.weight"), tensor())))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        assert app.run(["train", "net.cnn", "--device", "cpu", "--out", "run", "-q"]) == 0
    return place


@pytest.fixture
def call(place: Path, forks: Forks) -> Call:
    """Run a command line with some streams closed, or without a reader."""

    def run(*arguments: str, **more: Any) -> Done:
        for folder in ("new", "studies", "found", "shards"):
            shutil.rmtree(place / folder, ignore_errors=True)
        (place / "second.cnn").unlink(missing_ok=True)
        return forks.run(*arguments, stdin=SPEC, **({"cwd": place} | more))

    return run


def sober(text: str) -> bool:
    """Whether a text shows neither a traceback nor a library's warning."""
    signs = ("Traceback", "defect", "Warning", "Error:", "Exception", "[W:", "matplotlib")
    return not any(sign in text for sign in signs)


def test_every_command_is_here() -> None:
    assert set(COMMANDS) == set(app.COMMANDS)


# Those that train take a while, and meet each stream in the same places as the others.
CLOSED = [(command, one) for command in COMMANDS for one in STREAMS if command in FRONT or one in ("stdout", "all")]


@pytest.mark.parametrize(("command", "closed"), CLOSED)
def test_a_closed_stream(call: Call, command: str, closed: str) -> None:
    done = call(command, *COMMANDS[command], closed=STREAMS[closed])
    assert sober(done.stderr), done.stderr
    if command == "fmt" and closed in ("stdin", "all"):
        assert done.status == 2 and ("standard input cannot be read" in done.stderr or closed == "all")
    else:
        assert done.status == STATUS.get(command, 0)


@pytest.mark.parametrize("broken", [1, 2])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_reader_that_has_left(call: Call, command: str, broken: int) -> None:
    done = call(command, *COMMANDS[command], broken=[broken])
    assert sober(done.stderr), done.stderr
    assert done.status in (141, STATUS.get(command, 0))
    if broken == 1 and command not in STATUS:
        assert done.status == 141


def specc(place: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command line in a process of its own."""
    command = [sys.executable, "-m", "specc", *arguments]
    known = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    return subprocess.run(command, cwd=place, env=known, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def in_place(place: Path, command: str) -> list[str]:
    """The arguments of a command that is called from elsewhere."""
    return [str(place / one) if (place / one).exists() else one for one in COMMANDS[command]]


@pytest.mark.parametrize("command", FRONT)
def test_a_working_directory_that_was_removed(call: Call, place: Path, tmp_path: Path, command: str) -> None:
    done = call(command, *in_place(place, command), cwd=tmp_path, removed=True)
    assert sober(done.stderr), done.stderr
    assert done.status in (0, 1, 2)


@pytest.mark.parametrize("command", ["check", *(command for command in COMMANDS if command not in FRONT)])
def test_a_working_directory_that_was_removed_before_libraries_are_loaded(
    place: Path, tmp_path: Path, command: str
) -> None:
    """The command is called by a shell that removes the directory in which it stands: MKL would abort there."""
    python = [sys.executable, "-m", "specc"]
    done = subprocess.run(
        ["sh", "-c", 'rmdir "$PWD"; exec "$@"', "sh", *python, command, *in_place(place, command)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert sober(done.stderr), done.stderr
    if command in FRONT:
        assert done.returncode in (0, 1, 2)
    else:
        message = "error[E478]: the working directory does not exist anymore"
        assert (done.returncode, done.stderr.partition("\n")[0]) == (2, message)


NOWHERE = {"HOME": "/dev/null", "XDG_CACHE_HOME": "", "MPLCONFIGDIR": ""}


@pytest.mark.parametrize("command", ["check", "probe", "predict", "doctor"])
def test_a_home_that_is_none(call: Call, command: str) -> None:
    done = call(command, *COMMANDS[command], environment=NOWHERE)
    assert sober(done.stderr), done.stderr
    assert done.status in (0, 1)


def test_a_home_that_is_none_before_libraries_are_loaded(place: Path) -> None:
    done = specc(place, "probe", *COMMANDS["probe"], "--picture", "drawn", **NOWHERE)
    assert sober(done.stderr), done.stderr
    assert done.returncode in (0, 1)


@pytest.mark.parametrize(
    ("command", "seconds"), [("check", 0.02), ("check", 0.1), ("probe", 0.3), ("probe", 1.0), ("probe", 2.0)]
)
def test_ctrl_c_while_it_loads(place: Path, command: str, seconds: float) -> None:
    script = "import time; from specc.__main__ import main; print('begun', flush=True); raise SystemExit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", script, command, *COMMANDS[command]],
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "begun\n"
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert sober(err), err
    assert process.returncode in (130, -signal.SIGINT, 0, 1)  # it may have been done before
