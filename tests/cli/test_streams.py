"""Closed streams, readers that leave, Ctrl-C and places that are gone: no command answers with a traceback.

A process that has loaded the libraries once forks for each case: loading them again each time would take minutes.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image

from specc.cli import app

SPEC = """\
data { source = digits }
network Small(width=4) {
  conv(width) -> relu
  flatten -> dense(10)
}
train { epochs = 0.1; batch = 64 }
variant wide { network.width = 6 }
"""
COMMANDS = {
    "new": ["second"],
    "check": ["net.cnn", "wrong.cnn"],
    "fmt": ["-"],
    "show": ["net.cnn"],
    "diff": ["net.cnn", "--variant", "wide"],
    "ops": [],
    "explain": [],
    "probe": ["net.cnn", "--device", "cpu"],
    "train": ["net.cnn", "--device", "cpu", "--out", "new"],
    "study": ["net.cnn", "--device", "cpu", "--seeds", "1", "--subset", "20", "--variants", "wide"],
    "eval": ["run"],
    "predict": ["run/model.onnx", "cat.png"],
    "export": ["run"],
    "verify": ["run/model.onnx"],
    "emit": ["net.cnn"],
    "doctor": [],
}
WRONG = {"check"}  # what it is given here has errors
FRONT = ("new", "check", "fmt", "show", "diff", "ops", "explain", "emit")
STREAMS = {"stdin": [0], "stdout": [1], "stderr": [2], "all": [0, 1, 2]}
HARNESS = """
import json, os, shutil, sys, time
from pathlib import Path
import specc.backend
import numpy, onnxruntime, torch
torch.set_num_threads(1)
import specc.backend.train.job, specc.backend.onnx.export, specc.backend.predict, specc.backend.study.job
import specc.backend.onnx.verify, specc.backend.doctor, specc.backend.probe
from specc.cli.app import main
from specc.cli import streams


def case(arguments, closed, broken):
    for folder in ("new", "studies"):
        shutil.rmtree(folder, ignore_errors=True)
    Path("second.cnn").unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        read, write = os.pipe()
        os.close(read)
        for number, name in enumerate(("stdin", "stdout", "stderr")):
            how = os.O_RDONLY if number == 0 else os.O_RDWR | os.O_CREAT | os.O_TRUNC
            target = write if number in broken else os.open(f"{name}.txt", how)
            os.dup2(target, number)
        for number in closed:
            os.close(number)
        for name, mode, number in (("stdin", "r", 0), ("stdout", "w", 1), ("stderr", "w", 2)):
            setattr(sys, name, None if number in closed else open(number, mode, closefd=False))
        sys.argv = ["specc", *arguments]
        os._exit(main())
    deadline = time.monotonic() + 120
    while (done := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > deadline:
            os.kill(child, 9)
        time.sleep(0.01)
    texts = {name: Path(f"{name}.txt").read_text() for name in ("stdout", "stderr")}
    return {"status": os.waitstatus_to_exitcode(done[1]), **texts}


for line in sys.stdin:
    print(json.dumps(case(**json.loads(line))), flush=True)
"""


class Done(NamedTuple):
    status: int
    stdout: str
    stderr: str


Call = Callable[..., Done]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the commands are given."""
    place = tmp_path_factory.mktemp("streams")
    (place / "net.cnn").write_text(SPEC)
    (place / "stdin.txt").write_text(SPEC)
    (place / "wrong.cnn").write_text("network N { input(1, 8x8) -> conv(0) }\n")
    Image.new("L", (8, 8)).save(place / "cat.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        assert app.run(["train", "net.cnn", "--device", "cpu", "--out", "run", "-q"]) == 0
    return place


@pytest.fixture(scope="module")
def call(place: Path) -> Any:
    """Run a command line with some streams closed, or without a reader."""
    with subprocess.Popen(
        [sys.executable, "-c", HARNESS], cwd=place, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        to, answers = process.stdin, process.stdout
        assert to is not None and answers is not None

        def run(*arguments: str, closed: list[int] = [], broken: list[int] = []) -> Done:  # noqa: B006
            case = {"arguments": list(arguments), "closed": closed, "broken": broken}
            to.write(json.dumps(case) + "\n")
            to.flush()
            return Done(**json.loads(answers.readline()))

        yield run
        to.close()


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
        assert done.status == int(command in WRONG)


@pytest.mark.parametrize("broken", [1, 2])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_reader_that_has_left(call: Call, command: str, broken: int) -> None:
    done = call(command, *COMMANDS[command], broken=[broken])
    assert sober(done.stderr), done.stderr
    assert done.status in (141, int(command in WRONG))
    if broken == 1 and command not in WRONG:
        assert done.status == 141


def specc(place: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command line in a process of its own."""
    command = [sys.executable, "-m", "specc", *arguments]
    known = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    return subprocess.run(command, cwd=place, env=known, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_working_directory_that_was_removed(place: Path, tmp_path: Path, command: str) -> None:
    """Each command is called by a shell that removes the directory in which it stands."""
    arguments = [str(place / one) if (place / one).exists() else one for one in COMMANDS[command]]
    script = 'rmdir "$PWD"; exec "$@"'
    known = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        ["sh", "-c", script, "sh", sys.executable, "-m", "specc", command, *arguments],
        cwd=tmp_path,
        env=known,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert sober(done.stderr), done.stderr
    if command in FRONT:
        assert done.returncode in (0, 1, 2)
    else:
        assert (done.returncode, done.stderr.splitlines()[0]) == (
            2,
            "error[E478]: the working directory does not exist anymore",
        )


@pytest.mark.parametrize("command", ["check", "probe", "predict", "doctor"])
def test_a_home_that_is_none(place: Path, command: str) -> None:
    extra = ["--picture", "seen"] if command == "probe" else []
    done = specc(place, command, *COMMANDS[command], *extra, HOME="/dev/null", XDG_CACHE_HOME="", MPLCONFIGDIR="")
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
