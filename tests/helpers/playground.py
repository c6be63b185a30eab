"""The packages of the playground: small ones in their place, and the real ones where they are installed."""

import json
from pathlib import Path

import pytest

from specc.errors import SpeccError
from specc.playground import packages


def small(folder: Path) -> Path:
    """A folder of packages, of which each is a line long."""
    for name in (*packages.MODULES, "pyodide"):
        (folder / name).mkdir(parents=True)
        described = {"version": "1.2.3", "license": "MIT", "exports": {"import": "./main.js"}}
        (folder / name / "package.json").write_text(json.dumps(described))
        (folder / name / "main.js").write_text(f"// {name}\n")
        (folder / name / "LICENSE").write_text(f"The terms of {name}\n")
    for name in packages.PYTHON:
        (folder / "pyodide" / name).write_text(name)
    return folder


def real() -> Path:
    """The real packages; the test is skipped where they are not there, since a test installs nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("specc.npm.npm", lambda: None)
        try:
            return packages.node_modules()
        except SpeccError:
            pytest.skip("the packages of the playground are not there: make playground")
