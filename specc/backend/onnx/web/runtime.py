"""onnxruntime-web, which runs a network in a browser: where its files are looked for, and how they are installed."""

import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from specc import npm
from specc.backend.onnx.model_file import sha256
from specc.errors import SpeccError, clean
from specc.files import cache_folder, read_file, write_together

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
GLUE, WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
HASHES = {
    GLUE: "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    WASM: "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
MOST_BYTES = 1 << 27  # of one of them
INSTALL = f"npm install {PACKAGE}@{VERSION} --ignore-scripts"


class Runtime(NamedTuple):
    """The files of onnxruntime-web for the CPU. glue: a JavaScript module. wasm: the program that it starts."""

    glue: bytes
    wasm: bytes


def find_runtime(folder: Path | None = None) -> Runtime:
    """onnxruntime-web of the version that pages are tested with.

    It is looked for in `folder` alone where one is given; else in `node_modules` here and above, then in the user's
    cache, into which npm installs it where it is nowhere.

    Raises SpeccError E463 where it is nowhere.
    """
    looked = [folder] if folder is not None else [*_packages(), _cached()]
    found = []
    for place in looked:
        read = _read(place)
        if isinstance(read, Runtime):
            return read
        found.append(f"looked in {place}: {read}")
    if folder is None:
        failed = _install(_cached())
        installed = failed or _read(_cached())
        if isinstance(installed, Runtime):
            return installed
        found.append(installed)
    message = f"{PACKAGE} {VERSION}, which runs a network in a web page, is not on this machine"
    help = f"`{INSTALL}` puts it into node_modules here; where it is elsewhere, name its folder with --runtime"
    raise SpeccError("E463", [message, *found], help=help)


def _packages() -> list[Path]:
    """Where npm may have put the package: in `node_modules` of the current folder and of those above."""
    here = Path.cwd()
    packages = [folder / "node_modules" / PACKAGE for folder in (here, *here.parents)]
    return [package for package in packages if package.is_dir()]


def _cached() -> Path:
    return cache_folder() / f"{PACKAGE}-{VERSION}"


def _read(folder: Path) -> Runtime | str:
    """The files in a folder, or in its folder `dist`; else what is wrong with them."""
    content = {}
    for name, wanted in HASHES.items():
        path = next((path for path in (folder / "dist" / name, folder / name) if path.is_file()), None)
        if path is None:
            return f"it has no {name}" if folder.is_dir() else "it is not there"
        try:
            content[name] = read_file(path, MOST_BYTES)
        except OSError as error:
            return f"{name} cannot be read: {error.strerror or error}"
        if sha256(content[name]) != wanted:
            return f"its {name} is not that of version {VERSION}, or was changed"
    return Runtime(content[GLUE], content[WASM])


def _install(folder: Path) -> str:
    """Have npm, which verifies what it fetches, install the package, and keep the two files in `folder`.

    Gives what went wrong; an empty text where nothing did.
    """
    program = npm.npm()
    if program is None:
        return npm.MISSING
    print(f"installing {PACKAGE} {VERSION} with npm, into {clean(str(folder))}", file=sys.stderr)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".npm-") as scratch:
            failed = npm.install(program, ["install", f"{PACKAGE}@{VERSION}"], Path(scratch))
            if failed:
                return failed
            dist = Path(scratch) / "node_modules" / PACKAGE / "dist"
            write_together({folder / name: (dist / name).read_bytes() for name in HASHES})
    except OSError as error:
        return f"it could not be installed into {folder}: {error.strerror or error}"
    return ""
