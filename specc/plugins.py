"""Words that installed packages add: layers, components of the open families, and lints.

A package names them by entry points of the group `specc.vocabulary`, each a tuple of words, a function that gives one,
or a module that holds one as `WORDS`. A spec names words, never Python code: what is not installed is not there.
"""

import sys
from collections.abc import Iterable, Iterator
from functools import cache
from os import DirEntry, scandir
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from specc.check.settings import families
from specc.errors import SpeccError
from specc.ops import register as register_op
from specc.ops.expansion import ONE_NODE
from specc.ops.op import Op
from specc.values import Args, Bound
from specc.vocabulary.component import Component
from specc.vocabulary.param import Param
from specc.vocabulary.registry import COMPONENTS, BrokenPromise, register
from specc.vocabulary.settings import Settings

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from specc.check import Trainable

GROUP = "specc.vocabulary"
LAYER, LINT = "layer", "lint"
LINT_CODES = "W9"  # how the codes of packages' lints begin
HEAVY = frozenset({"numpy", "onnx", "onnxruntime", "torch"})


class Package(NamedTuple):
    """An installed package."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


PACKAGES: dict[tuple[str, str], Package] = {}  # those of words, by family and name; of lints, by their code


@cache
def load_words() -> None:
    """Let the words of installed packages into the vocabulary, once.

    Raises SpeccError E490, which names package and word, where one cannot be let in: a word that is not what it says,
    or is quietly left out, would make another network of the same spec.
    """
    if not _is_any_there():
        return
    from importlib.metadata import entry_points

    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.dist.name if point.dist else "", point)):
        package = Package(point.dist.name, point.dist.version) if point.dist else Package(point.module, "")
        light = HEAVY - sys.modules.keys()
        for word in _words(point, package):
            _let_in(word, package)
        if heavy := sorted(light & sys.modules.keys()):
            raise _refused(package, f"`{point.value}` imports {heavy[0]}, which only the target of a word may do")


def _is_any_there() -> bool:
    """Whether any installed package has such an entry point; as importlib.metadata looks, but thirty times as fast."""
    finders = [finder for finder in sys.meta_path if hasattr(finder, "find_distributions")]
    if any(getattr(finder, "__name__", "") != "PathFinder" for finder in finders):
        return True
    for folder in dict.fromkeys(sys.path):
        try:
            entries = list(scandir(folder or "."))
        except NotADirectoryError:
            return True  # an archive
        except OSError:
            continue
        if any(entry.name.lower().endswith(("dist-info", "egg-info")) and _names_words(entry) for entry in entries):
            return True
    return False


def _names_words(entry: DirEntry[str]) -> bool:
    try:
        return GROUP.encode() in Path(entry, "entry_points.txt").read_bytes()
    except OSError:
        return False


def _words(point: "EntryPoint", package: Package) -> tuple[Any, ...]:
    """What an entry point gives."""
    try:
        words = point.load()
        words = getattr(words, "WORDS", words)
        words = words() if callable(words) else words
    except Exception as error:  # whatever a package does wrong
        raise _refused(package, f"`{point.value}` fails: {type(error).__name__}: {error}") from error
    if not isinstance(words, tuple) or type(words) is not tuple:
        raise _refused(package, f"`{point.value}` is a {type(words).__name__}; a tuple of words was expected")
    return words


def _let_in(word: Any, package: Package) -> None:
    """Register a word of a package. Raises SpeccError E490."""
    try:
        family, name = _registered(word)
    except BrokenPromise as broken:
        raise _refused(package, str(broken)) from broken
    PACKAGES[family, name] = package


def _registered(word: Any) -> tuple[str, str]:
    """The family and the name of a word, after it has been registered. Raises BrokenPromise."""
    if isinstance(word, Op):
        if word.torch is None and word.expands is ONE_NODE:
            raise BrokenPromise(f"the layer `{word.name}` has no module, and expands to nothing else")
        register_op([word])
        return LAYER, word.name
    if isinstance(word, Component):
        if not word.is_open:
            raise BrokenPromise(f"the family `{word.family}` has one word, and takes no `{word.name}` besides")
        register([word])
        return word.family, word.name
    from specc.check.lint import Lint
    from specc.check.lint import register as register_lint

    if not isinstance(word, Lint):
        raise BrokenPromise(f"{word!r} is neither a layer nor a component nor a lint")
    if not word.code.startswith(LINT_CODES):
        raise BrokenPromise(
            f"the lint {word.code} `{word.name}` has a code of specc's own; {LINT_CODES}00 and on are free"
        )
    register_lint([word])
    return LINT, word.code


def _refused(package: Package, broken: str) -> SpeccError:
    help = f"upgrade the package, or remove it: pip uninstall {package.name}"
    return SpeccError("E490", f"{package} adds a word that cannot be let in: {broken}", help=help)


def packages_of(spec: "Trainable") -> dict[str, str]:
    """The packages whose words a spec uses, each with its version."""
    words: list[tuple[str, str]] = []
    for node in spec.graph.nodes:
        words += [(LAYER, node.op.name), *_calls(node.op.params, node.args)]
    words += [*_calls(spec.data.params, spec.data), *_calls(spec.train.params, spec.train)]
    used = {PACKAGES[word] for word in words if word in PACKAGES}
    return {package.name: package.version for package in sorted(used)}


def _calls(params: Iterable[Param], a: Args | Settings) -> Iterator[tuple[str, str]]:
    """The family and the name of each call among arguments, and among the arguments and in the bodies of those."""
    for param in params:
        for family in families(param.kind):
            yield from _in_calls(family, getattr(a, param.name.lstrip("*"), None))


def _in_calls(family: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Bound):
        yield family, value.name
        yield from _calls(COMPONENTS[family][value.name].params, value.args)
        value = value.branches
    if isinstance(value, tuple | list):
        for one in value:
            yield from _in_calls(family, one)


def refuse_missing(packages: dict[str, str], what: object) -> None:
    """Raise SpeccError E492 where a package that `what` uses words of is not installed, or has none."""
    here = {package.name for package in PACKAGES.values()}
    missing = [f"{name}=={version}" for name, version in packages.items() if name not in here]
    if missing:
        message = f"{what} uses words of packages that are not installed here: {', '.join(missing)}"
        raise SpeccError("E492", message, help=f"pip install {' '.join(missing)}")
