"""The weights that a network begins with: found, matched with its own tensor by tensor, and read into it."""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from specc.backend.build import Net
from specc.backend.run.files import BEST, INFO, LAST
from specc.backend.run.imported import IMPORTED, SUFFIX, import_weights
from specc.backend.run.published import obtain_weights
from specc.backend.run.weights import open_weights
from specc.backend.zoo_names import PUBLISHED_AS, naming_of_file, other_network
from specc.errors import SpeccError, counted
from specc.files import open_file
from specc.ir.graph import Graph
from specc.ir.mapping import Mapped, map_tensors
from specc.ir.weights import head_layers, weights_of
from specc.values import Bound
from specc.zoo import naming_of
from specc.zoo.lookalikes import Known, known_weights
from specc.zoo.naming import COUNTERS
from specc.zoo.weights import class_names, published

PLACES = "give the folder of a run or a safetensors file; a relative path starts from the spec's folder"
NAMED = 4  # tensors that a message names; the rest are counted


class Origin(NamedTuple):
    """Weights on the disk.

    words: where they come from, as a user calls it. path: of a safetensors file. name_of: what a tensor of a network is
    called in it. ignores: whether one of its tensors is left out on purpose. sha256: of the file. classes: what they
    answer, in order, where that is known. mean, std: of the normalization that they were trained with, for pixels from
    0 to 1, where that is known. license: of published weights, in words. known: as what they are published, where that
    is known. skips_unused: tensors without a place are left out.
    """

    words: str
    path: Path
    name_of: Callable[[str], str | None]
    ignores: Callable[[str], bool]
    sha256: str
    classes: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    license: str = ""
    known: Known | None = None
    skips_unused: bool = False


def resolve_start(start: Bound, base: Path) -> Origin:
    """What `train.start` names. base: the folder that relative paths start from.

    Raises SpeccError: E442, E443 there are no such weights; E496 the file has another hash; E497 it cannot be
    downloaded.
    """
    match start.name:
        case "pretrained":
            origin = _published(start.args.name)
        case "weights":
            origin = _local(Path(base, start.args.path))._replace(skips_unused=start.args.skip_unused)
        case _:
            raise AssertionError(start.name)
    if start.args.sha256 is not None and start.args.sha256 != origin.sha256:
        message = f"{origin.path} has the SHA-256 {origin.sha256}, but the spec says {start.args.sha256}"
        raise SpeccError("E496", message, help="get the file again, or correct `sha256` in `train.start`", status=1)
    return origin


def _published(name: str) -> Origin:
    """Published weights, downloaded where they are not there yet. A file of PyTorch's is converted beside itself."""
    entry = published()[name]
    file = obtain_weights(entry.url, entry.sha256 or None)
    path = file.path
    if path.suffix != SUFFIX:
        path = path.with_suffix(SUFFIX)
        if not path.exists():
            import_weights(file.path, path)
    naming = naming_of(entry.model, entry.library)
    classes = class_names(entry.classes) if entry.classes else ()
    meaning = classes, entry.mean, entry.std
    return Origin(name, path, naming.name_of, naming.ignores, file.sha256, *meaning, entry.license, entry)


def _local(path: Path) -> Origin:
    """The best weights of a run, or a file that has the network's own names."""
    file = path / BEST if path.is_dir() else path
    is_run = (file.parent / INFO).exists()
    if not file.exists() and not is_run:
        what = f"there are no weights in {path}: it is not a run" if path.is_dir() else f"{path} does not exist"
        raise SpeccError("E442", what, help=PLACES, status=1)
    try:
        with open_weights(file) as weights:
            about = weights.checked(file) or {}
    except SpeccError as error:
        if is_run or LAST not in error.help:
            raise
        raise SpeccError(error.code, error.message, help=PLACES, status=1) from None
    here = Path.cwd()
    words = str(path.relative_to(here) if path.is_relative_to(here) else path)
    sha256 = _sha256(file)
    known = None if is_run else _known(file, sha256, about)
    return Origin(words, file, _same, _is_counter, sha256, *_meaning(about), known=known)


def _known(file: Path, sha256: str, about: dict[str, Any]) -> Known | None:
    """As what the weights in a file are published: this file, or the one that it was imported from."""
    source = about.get(IMPORTED, {})
    digest, place = source.get("sha256", sha256), source.get("url", "")
    return known_weights(digest, about.get(PUBLISHED_AS) or place) or known_weights(sha256, str(file))


def _meaning(about: dict[str, Any]) -> tuple[tuple[str, ...], tuple[float, ...], tuple[float, ...]]:
    """Classes, mean and deviation, as far as a file of weights says them."""
    classes, mean, std = (about.get(name) or () for name in ("classes", "mean", "std"))
    return tuple(classes), tuple(mean), tuple(std)


def _same(name: str) -> str:
    return name


def _is_counter(name: str) -> bool:
    return name.endswith(COUNTERS.removeprefix("*"))


def _sha256(path: Path) -> str:
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def map_start(graph: Graph, origin: Origin, classes: Sequence[str]) -> list[Mapped]:
    """What becomes of each tensor. classes: what the network answers, in order; empty where that is not known.

    A file that has none of the network's names may have those of a library that publishes weights for the zoo.

    Raises SpeccError: E442 and E443 as `open_weights` does; E498 as `other_network` does.
    """
    with open_weights(origin.path) as weights:
        origin = _with_names(graph, origin, weights.shapes)
        keeps_head = not (origin.classes and classes) or tuple(classes) == origin.classes
        mapped = map_tensors(graph, weights.shapes, origin.name_of, origin.ignores, keeps_head=keeps_head)
    origin_differs(graph, mapped, origin)
    return mapped


def origin_differs(graph: Graph, mapped: Sequence[Mapped], origin: Origin) -> list[str]:
    """What the network that weights were published for does otherwise, in words. Raises SpeccError E498."""
    if origin.known is None:
        return []
    taken = {one.name.rpartition(".")[0] for one in mapped if one.is_taken} - head_layers(graph)
    words = other_network(graph, taken, origin.known) if taken else ""
    return [words] if words else []


def _with_names(graph: Graph, origin: Origin, names: Collection[str]) -> Origin:
    if any(origin.name_of(weight.name) in names for weight in weights_of(graph)):
        return origin
    naming = naming_of_file(graph, names)
    return origin if naming is None else origin._replace(name_of=naming.name_of, ignores=naming.ignores)


@torch.no_grad()
def load_start(net: Net, mapped: Sequence[Mapped], origin: Origin) -> list[str]:
    """Read what is loaded or reshaped into a network; what was done, in words.

    Raises SpeccError: E489 nothing fits, E498 the file has tensors that the network has no place for; E443.
    """
    refuse_misfits(mapped, origin)
    own, converted = net.state_dict(), set[torch.dtype]()
    with open_weights(origin.path) as weights:
        for one in mapped:
            if not one.is_taken:
                continue
            value = weights.read(one.theirs)
            if not value.is_floating_point():
                message = f"`{one.theirs}` in {origin.path} holds {_kind(value.dtype)}, not fractions"
                raise SpeccError("E443", message, help="get the file again, or use other weights", status=1)
            converted |= {value.dtype} - {own[one.name].dtype}
            own[one.name].copy_(value.reshape(own[one.name].shape))
    return [summary(mapped, origin), *origin_differs(net.graph, mapped, origin), *_converted(converted)]


def refuse_misfits(mapped: Sequence[Mapped], origin: Origin) -> None:
    """Raise SpeccError E489 where nothing of the weights fits, E498 where some of them have no place."""
    if not any(one.is_taken for one in mapped):
        first = next((one.name for one in mapped if one.name), "none")
        theirs = next((one.theirs for one in mapped if one.theirs), "none")
        message = f"no weight of {origin.words} fits the network"
        help = f"the first is called `{first}` in the network and `{theirs}` in the file; "
        help += "`specc import FILE --as ZOO` gives published weights the names of a zoo network"
        misfit = next((one.why for one in mapped if one.why), "")
        if misfit:
            message, help = f"{message}: {misfit}", "`specc show SPEC --start` lists every tensor"
        raise SpeccError("E489", message, help=help, status=1)
    unused = [one for one in mapped if one.fate == "unused"]
    if unused and not origin.skips_unused:
        has = "has" if len(unused) == 1 else "have"
        lines = [f"{counted(len(unused), 'tensor')} of {origin.words} {has} no place in the network:"]
        lines += [one.why or f"`{one.theirs}`: the network has none of this name" for one in unused[:NAMED]]
        if len(unused) > NAMED:
            lines.append(f"and {len(unused) - NAMED} more")
        help = "`specc show SPEC --start` lists every tensor; weights(…, skip_unused=true) leaves them out"
        if any(_is_first_kernel(one) for one in mapped):
            help = "these weights see 3 channels: read image files with channels = rgb"
        raise SpeccError("E498", lines, help=help, status=1)


def _is_first_kernel(one: Mapped) -> bool:
    """Whether a kernel differs only in that it sees one channel instead of three."""
    own, theirs = one.shape or (), one.their_shape or ()
    return one.fate == "new" and len(own) == 4 and own[1] == 1 and theirs[1:2] == (3,) and own[2:] == theirs[2:]


def summary(mapped: Sequence[Mapped], origin: Origin) -> str:
    """How many tensors are loaded, and what became of the others."""
    fates = Counter(one.fate for one in mapped)
    parts = [
        f"starts from {origin.words}: {fates['loaded'] + fates['reshaped']} of {counted(_own(mapped), 'tensor')} loaded"
    ]
    if fates["reshaped"]:
        parts.append(f"{fates['reshaped']} of them reshaped")
    for fate, words in (("replaced", "replaced by new ones"), ("new", "new"), ("unused", "not used")):
        some = [one for one in mapped if one.fate == fate]
        if some:
            parts.append(f"{len(some)} {words} ({_names(some)})")
    return ", ".join(parts)


def _own(mapped: Sequence[Mapped]) -> int:
    return sum(bool(one.name) for one in mapped)


def _names(some: Sequence[Mapped]) -> str:
    names = [one.name or one.theirs for one in some]
    return ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else "")


def _converted(kinds: set[torch.dtype]) -> list[str]:
    return [f"the weights were converted from {', '.join(sorted(map(_kind, kinds)))}"] if kinds else []


def _kind(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def about_start(origin: Origin, mapped: Sequence[Mapped]) -> dict[str, Any]:
    """What run.json keeps of the weights that a training begins with."""
    fates = Counter(one.fate for one in mapped)
    about = {"from": origin.words, "sha256": origin.sha256, "tensors": dict(fates)}
    return about | ({"license": origin.license} if origin.license else {})
