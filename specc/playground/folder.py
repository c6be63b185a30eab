"""The playground as a folder of files that any server of files can offer, and that ask no other one for anything."""

import io
import json
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path

from specc import __version__
from specc.errors import SpeccError
from specc.files import cache_folder, read_file, unwritable, write_atomic
from specc.playground.packages import MODULES, PYTHON, WEB, about, module_of, node_modules
from specc.report.picture import STYLE
from specc.syntax.grammar import parser

OWN = (
    "app.js",
    "checker.js",
    "colors.js",
    "editor.js",
    "markdown.js",
    "panes.js",
    "share.js",
    "worker.js",
    "style.css",
)
PACKAGE = Path(__file__).resolve().parents[1]
LEFT_OUT = ("api", "backend", "cli", "playground/web")  # of specc: what the checker does without
NEEDED = {"lark": ("lark",), "attrs": ("attr", "attrs"), "lsprotocol": ("lsprotocol",)}  # distributions, their packages
MARK = "licenses.txt"  # which tells a playground, even one that is not whole, from other folders,
MARKED = "The playground of specc "  # by how it begins
FIRST = "digits"  # of the examples
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the date of what is packed, so that the same files give the same bytes
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval' {inline}; worker-src 'self'; connect-src 'self'; "
    "style-src 'self' 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
)
PYODIDE = """\
Its source: https://github.com/pyodide/pyodide, under the Mozilla Public License 2.0, https://mozilla.org/MPL/2.0/.
It contains CPython, https://github.com/python/cpython, under the Python Software Foundation License 2,
https://docs.python.org/3/license.html, and what that is built with.
"""


def write_folder(folder: Path) -> int:
    """Write the playground into a folder that is new, is empty or holds one; gives how many bytes it has.

    Raises SpeccError: E522 the folder holds something else, E540, E542 it cannot be put together, E481 it cannot be
    written.
    """
    try:
        _refuse_others(folder)
        content = playground()
        for name, data in content.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_atomic(folder / name, data)
    except OSError as error:
        raise unwritable(folder, error) from None
    return sum(map(len, content.values()))


def _refuse_others(folder: Path) -> None:
    """Raise SpeccError E522 for a folder with files of which nothing says that they are a playground's.

    Those with a dot in front, such as `.git`, do not count: none is written. Raises OSError where it cannot be read.
    """
    names = sorted(one.name for one in folder.iterdir() if one.name[0] != ".") if folder.exists() else []
    if not names:
        return
    with suppress(OSError):
        if read_file(folder / MARK).startswith(MARKED.encode()):
            return
    message = f"{folder} is not empty, and it holds no playground: it holds {names[0]}"
    raise SpeccError("E522", message, help="choose a new or an empty folder with --out")


def playground() -> dict[str, bytes]:
    """The files of the playground, by their names. Raises SpeccError: E540, E542 a package is missing."""
    checker = _checker()
    packages = node_modules()
    files = {MARK: _licenses(packages).encode()}  # written first
    files |= {name: read_file(WEB / name) for name in OWN}
    files |= {f"modules/{name}.js": module_of(packages, name) for name in MODULES}
    files |= {f"pyodide/{name}": read_file(packages / "pyodide" / name) for name in PYTHON}
    files["style.css"] += STYLE.encode()  # of pictures
    files["specc.zip"] = checker
    files["examples.json"] = json.dumps(examples()).encode()
    files["index.html"] = _page()
    return files


def policy() -> str:
    """The page's Content-Security-Policy: scripts of its own alone, and no other host."""
    digest = b64encode(sha256(_import_map().encode()).digest()).decode()
    return POLICY.format(inline=f"'sha256-{digest}'")


def examples() -> dict[str, str]:
    """The specs to begin with, by name."""
    installed = PACKAGE / "examples"
    folder = installed if installed.is_dir() else PACKAGE.parent / "examples"
    paths = sorted(folder.glob("*.cnn"), key=lambda path: (path.stem != FIRST, path.stem))
    return {path.stem: read_file(path).decode() for path in paths}


def _page() -> bytes:
    page = read_file(WEB / "index.html").decode()
    for mark, text in {"policy": policy(), "modules": _import_map(), "version": __version__}.items():
        page = page.replace(f"{{{{{mark}}}}}", text)
    return page.encode()


def _import_map() -> str:
    """Where a browser finds the modules that others name, so that nothing has to be bundled."""
    return json.dumps({"imports": {name: f"./modules/{name}.js" for name in MODULES}}, indent=1)


def _checker() -> bytes:
    """The front end and the packages that it needs, as a zip archive; with the parser's tables, if they are kept."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(_sources()):
            archive.writestr(zipfile.ZipInfo(name, LONG_AGO), data, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _sources() -> Iterator[tuple[str, bytes]]:
    for name, data in _files(PACKAGE):
        if not name.startswith(tuple(f"{folder}/" for folder in LEFT_OUT)):
            yield f"specc/{name}", data
    grammar = PACKAGE / "grammar"
    if not grammar.is_dir():
        yield from ((f"specc/grammar/{name}", data) for name, data in _files(PACKAGE.parent / "grammar"))
    for packages in NEEDED.values():
        for package in packages:
            yield from ((f"{package}/{name}", data) for name, data in _files(_place(package)))
    parser()  # which keeps its tables
    tables = cache_folder() / "grammar.json"
    if tables.is_file():
        yield "cache/specc/grammar.json", read_file(tables)


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix not in (".pyc", ".pyi"):
            yield path.relative_to(folder).as_posix(), read_file(path)


def _place(package: str) -> Path:
    """The folder of an installed package. Raises SpeccError E540 where it is not installed."""
    place = find_spec(package)
    if place is None or not place.submodule_search_locations:
        message = f"`specc playground` needs the package {package}, which is not installed"
        raise SpeccError("E540", message, help='pip install "specc-cnn[lsp]"')
    return Path(place.submodule_search_locations[0])


def _licenses(packages: Path) -> str:
    """Whose work is in the folder, and under which terms."""
    parts = [f"{MARKED}{__version__}, under Apache-2.0, and what it contains:\n"]
    for name in (*MODULES, "pyodide"):
        described = about(packages, name)
        texts = [read_file(path).decode() for path in sorted((packages / name).glob("LICEN[SC]E*"))]
        texts += [PYODIDE] if name == "pyodide" else []
        parts.append("\n".join([f"{name} {described['version']}: {described['license']}\n", *texts]))
    for name in NEEDED:
        one = distribution(name)
        paths = [Path(str(file.locate())) for file in one.files or () if file.name.upper().startswith("LICENSE")]
        texts = [read_file(path).decode() for path in paths]
        parts.append("\n".join([f"{name} {one.version}\n", *texts]))
    return f"\n{'-' * 80}\n\n".join(parts)
