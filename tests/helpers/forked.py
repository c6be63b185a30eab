"""Processes for command lines, forked from one that has loaded the libraries, which takes seconds each time.

    python forked.py          what the front end needs
    python forked.py all      PyTorch, onnxruntime and the back end, too

reads a line of JSON for each command line, which names an argument of `work` by each key, and answers with a line.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

PROJECT = Path(__file__).parents[2]
SECONDS = 120  # which no case takes
STREAMS = ("stdin", "stdout", "stderr")


class Done(NamedTuple):
    """What a command line gave; what it printed while a stream was closed is lost."""

    status: int
    stdout: str
    stderr: str


class Forks:
    """A server of forks. everything: it has loaded the back end."""

    def __init__(self, *, everything: bool) -> None:
        self.folder = TemporaryDirectory(prefix="forks-")
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, __file__, *(["all"] if everything else [])],
            cwd=self.folder.name,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self,
        *arguments: object,
        cwd: Path,
        stdin: str = "",
        path: Path | None = None,
        closed: list[int] = [],  # noqa: B006
        broken: list[int] = [],  # noqa: B006
        removed: bool = False,
        waits: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> Done:
        """Run `specc` with arguments in a folder.

        path: of packages that are installed beside specc. closed: streams. broken: streams whose reader has left.
        removed: the folder is removed before. waits: standard input is a pipe into which nobody writes.
        """
        for name in STREAMS:
            Path(self.folder.name, name).write_text(stdin if name == "stdin" else "")
        case = {
            "arguments": [*map(str, arguments)],
            "cwd": str(cwd),
            "path": str(path) if path else "",
            "closed": closed,
            "broken": broken,
            "removed": removed,
            "waits": waits,
            "environment": dict(environment or {}),
        }
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(case) + "\n")
        self.process.stdin.flush()
        status = int(self.process.stdout.readline())
        return Done(status, *(Path(self.folder.name, name).read_text(errors="replace") for name in STREAMS[1:]))

    def close(self) -> None:
        self.process.communicate(timeout=60)
        self.folder.cleanup()


def load(everything: bool) -> None:
    """All that commands import."""
    from importlib import import_module

    modules = ["specc.check.lint", "specc.check.alternatives", "specc.report.layers", "specc.emit"]
    if everything:
        modules += ["numpy", "onnxruntime", "torch", "torch._dynamo", "scipy.stats", "sklearn"]
        modules += ["specc.backend.train.job", "specc.backend.train.resume"]
        modules += ["specc.backend.onnx.export", "specc.backend.onnx.verify", "specc.backend.predict"]
        modules += ["specc.backend.study.job", "specc.backend.doctor", "specc.backend.probe"]
        modules += ["specc.backend.pictures.probe", "specc.backend.pictures.study"]
    import specc.cli.app

    for module in modules:
        import_module(module)
    for command in specc.cli.app.COMMANDS.values():
        import_module(command[0].partition(":")[0])
    if everything:
        sys.modules["torch"].set_num_threads(1)


def _end_what_does_not_end(arguments: list[str]) -> None:
    """Let `specc watch` and `specc playground` serve for no time at all, and `specc log` tell nobody."""
    from unittest.mock import patch

    if arguments[:1] in (["watch"], ["playground"]):
        patch("specc.cli.loopback.Loopback.serve_forever", lambda server: None).start()
        patch("specc.cli.playground.page", lambda: {}.get).start()  # which npm would install
    if arguments[:1] == ["log"] and Path.cwd().exists():
        from tests.helpers.fake_sink import install

        install(lambda target, value: patch(target, value).start())


def work(
    arguments: list[str],
    cwd: str,
    path: str,
    closed: list[int],
    broken: list[int],
    removed: bool,
    waits: bool,
    environment: dict[str, str],
) -> int:
    """In the fork: run the command line. Gives its exit status."""
    from specc.cli.app import main

    here = Path.cwd()
    read, write = os.pipe()
    os.close(read)
    for number, name in enumerate(STREAMS):
        how = os.O_RDONLY if number == 0 else os.O_RDWR
        os.dup2(write if number in broken else os.open(here / name, how), number)
    if waits:
        os.dup2(os.pipe()[0], 0)  # its other end stays open here
    for number in closed:
        os.close(number)
    for number, name in enumerate(STREAMS):
        stream = None if number in closed else os.fdopen(number, "r" if number == 0 else "w", closefd=False)
        setattr(sys, name, stream)
    os.chdir(cwd)
    if removed:
        Path(cwd).rmdir()
    os.environ.update(environment)
    if path:
        sys.path.insert(0, path)
    _end_what_does_not_end(arguments)
    sys.argv = ["specc", *arguments]
    return main()


def serve() -> None:
    load(everything=len(sys.argv) > 1)
    for line in sys.stdin:
        case: dict[str, Any] = json.loads(line)
        child = os.fork()
        if child == 0:
            status = 99
            try:
                status = work(**case)
                sys.stdout.flush()
            finally:
                os._exit(status)
        deadline = time.monotonic() + SECONDS
        while (done := os.waitpid(child, os.WNOHANG))[0] == 0:
            if time.monotonic() > deadline:
                os.kill(child, 9)
            time.sleep(0.002)
        print(os.waitstatus_to_exitcode(done[1]), flush=True)


if __name__ == "__main__":
    serve()
