"""npm, which installs what runs in a browser: it verifies what it fetches, and runs no script of a package here."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

PATIENCE = 600  # seconds
OPTIONS = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
MISSING = "npm, which would install it, is not on the PATH"


def npm() -> str | None:
    """The program, where there is one."""
    return shutil.which("npm")


def install(program: str, arguments: Sequence[str], folder: Path) -> str:
    """Run an npm command that installs into `folder`; what went wrong, and an empty text where nothing did.

    Raises OSError where npm cannot be started.
    """
    command = [program, arguments[0], "--prefix", str(folder), *arguments[1:], *OPTIONS]
    try:
        done = subprocess.run(  # noqa: S603
            command, check=False, capture_output=True, text=True, errors="replace", timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return f"npm did not install it within {PATIENCE} s"
    return f"npm could not install it: {_reason(done.stderr)}" if done.returncode else ""


def _reason(errors: str) -> str:
    """What npm says was wrong, in one line."""
    lines = [line.removeprefix("npm error").strip() for line in errors.splitlines() if line.startswith("npm error")]
    return next((line for line in lines if line and not line.startswith("code ")), "it does not say why")
