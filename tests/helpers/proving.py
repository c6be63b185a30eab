"""The processes that `--prove-resume` starts as forks of this one, which has loaded PyTorch already."""

import os
import subprocess
import sys
from collections.abc import Mapping
from types import SimpleNamespace

import pytest

from specc.backend.train import prove


def with_forks(patch: pytest.MonkeyPatch, *, undone: bool = False) -> None:
    """Let `patch` replace the processes by forks. undone: what `patch` has replaced is as before in them."""

    def fork(command: list[str], *, env: Mapping[str, str] | None, **_: object) -> subprocess.CompletedProcess[str]:
        child = os.fork()
        if child == 0:
            status = 99
            try:
                if undone:
                    patch.undo()
                os.environ.update(env or {})
                sys.argv = command[2:]
                status = prove.main()
            finally:
                os._exit(status)
        return subprocess.CompletedProcess(command, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    replaced = SimpleNamespace(run=fork, DEVNULL=subprocess.DEVNULL)  # for nobody else who starts processes
    patch.setattr("specc.backend.train.prove.subprocess", replaced)
