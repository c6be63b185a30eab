"""The packages of npm that run in the page: an editor, and Python. They are kept in the user's cache."""

import json
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from specc import npm
from specc.errors import SpeccError, clean
from specc.files import cache_folder, read_file

WEB = Path(__file__).parent / "web"
ASKED = ("package.json", "package-lock.json")  # versions and hashes, to which npm holds what it fetches
MODULES = (
    *("@codemirror/autocomplete", "@codemirror/commands", "@codemirror/language", "@codemirror/lint"),
    *("@codemirror/search", "@codemirror/state", "@codemirror/streamparser", "@codemirror/view"),
    *("@lezer/common", "@lezer/highlight", "@lezer/lr", "@marijn/find-cluster-break"),
    *("crelt", "style-mod", "w3c-keyname"),
)  # those of the editor
PYTHON = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")


def node_modules() -> Path:
    """The folder with the packages, which npm installs where they are not there yet.

    Raises SpeccError E542 where they cannot be had.
    """
    folder = kept()
    if folder.is_dir():
        return folder
    program = npm.npm()
    why = npm.MISSING if program is None else _install(program, folder)
    if why:
        message = "the packages that make up the playground are not on this machine"
        help = "run `specc playground --out DIR` on a machine where npm reaches its registry, and copy the folder here"
        raise SpeccError("E542", [message, f"looked in {folder}: it is not there", why], help=help)
    return folder


def kept() -> Path:
    """Where the packages are kept; those of other versions elsewhere."""
    digest = sha256(b"".join(read_file(WEB / name) for name in ASKED)).hexdigest()
    return cache_folder() / f"playground-{digest[:16]}"


def _install(program: str, folder: Path) -> str:
    """Have npm install the packages; what went wrong, and an empty text where nothing did."""
    print(f"installing the editor and Python for browsers with npm, into {clean(str(folder))}", file=sys.stderr)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".npm-") as scratch:
            for name in ASKED:
                (Path(scratch) / name).write_bytes(read_file(WEB / name))
            failed = npm.install(program, ["ci"], Path(scratch))
            if failed:
                return failed
            try:
                (Path(scratch) / "node_modules").rename(folder)
            except OSError:
                if not folder.is_dir():  # else another process was faster
                    raise
    except OSError as error:
        return f"it could not be installed into {folder}: {error.strerror or error}"
    return ""


def about(packages: Path, name: str) -> dict[str, Any]:
    """The package.json of a package."""
    described: dict[str, Any] = json.loads(read_file(packages / name / "package.json"))
    return described


def module_of(packages: Path, name: str) -> bytes:
    """The one JavaScript module that a package of the editor is."""
    return read_file(packages / name / about(packages, name)["exports"]["import"])
