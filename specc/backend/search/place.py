"""The folder of a search: a spec in it that trains from anywhere, the journal, and what was found."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from specc.backend.data.paths import tried_paths
from specc.backend.data.places import Where
from specc.backend.run.lock import Lock
from specc.backend.search.journal import FORMAT, MOST_BYTES, Journal
from specc.check import Checked, Trainable
from specc.check.extension import extension, with_search
from specc.check.search import refusal
from specc.check.variants import Searched
from specc.errors import SpeccError
from specc.files import json_bytes, read_file, write_atomic
from specc.report.search import figure_of
from specc.tasks import LOSS
from specc.values import Bound, quoted
from specc.vocabulary.family import Source, Start
from specc.vocabulary.kinds import FilePath
from specc.vocabulary.registry import component

SPEC, BEST, RESULT = "spec.cnn", "best.cnn", "search.json"
DIFFER = {
    "spec_sha256": "spec or what it searches",
    "data_sha256": "data",
    "sampler": "sampler",
    "pruner": "pruner",
    "seed": "sampler's seed",
    "seeds": "training seeds",
    "subset": "subset",
    "device": "device",
}
Check = Callable[[Sequence[str]], Checked]


def refuse_to_vary(space: Sequence[Searched], best: str) -> None:
    """Raise SpeccError E514 where a search varies what its trials are measured by. best: `train.best`, as it is set."""
    for searched in space:
        if reason := refusal(searched.path, best == LOSS.name):
            raise SpeccError("E514", reason[0], help=reason[1], status=1)


def anchored_text(checked: Check, space: Sequence[Searched], base: Path, data_dir: Path | None) -> str:
    """The text of the searched spec with absolute paths, so that it trains from anywhere."""
    plain = checked(())
    spec = plain.trainable()
    moves = _moves("data.source", spec.data.source, component(Source, spec.data.source), Where(data_dir, base))
    if spec.train.start is not None:
        moves += _moves("train.start", spec.train.start, component(Start, spec.train.start), Where(None, base))
    return with_search(checked(moves).resolved if moves else plain.resolved, space)


def _moves(path: str, call: Bound, word: Any, where: Where) -> list[str]:
    """The settings that make the relative paths of a call absolute."""
    given = {param.name: getattr(call.args, param.name) for param in word.params if isinstance(param.kind, FilePath)}
    texts = {name: _absolute(text, where) for name, text in given.items() if text is not None}
    return [f"{path}.{name}={quoted(text)}" for name, text in texts.items() if text != given[name]]


def _absolute(text: str, where: Where) -> str:
    """Where a path leads to; of one that names several shards, as far as it names one folder. Addresses stay."""
    if "://" in text:
        return text
    tried = tried_paths(text, where)
    there = [path for path in tried if path.exists()] or [path for path in tried if path.parent.exists()]
    return str((there or tried)[0].absolute())


def hold(folder: Path) -> Lock:
    """The folder of a search, for this process alone. Raises SpeccError E516 where another has it, E481."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return Lock(folder)
    except SpeccError as error:
        process = error.message.rpartition(": ")[2]
        message = f"another search is running in {folder}: {process}"
        raise SpeccError("E516", message, help="wait until it ends, or choose another folder with --out") from None
    except OSError as error:
        message = f"the search cannot be written to {folder}: {error.strerror or error}"
        raise SpeccError("E481", message, help="choose a writable folder with --out") from error


def identity(spec: Trainable, space: Sequence[Searched], **values: Any) -> dict[str, Any]:
    """What two searches have in common that are the same one."""
    text = spec.resolved + "".join(f"\n{one.path} = {one.written}" for one in space)
    return {"spec_sha256": sha256(text.encode()).hexdigest(), **values}


def begin(folder: Path, journal: Journal, head: dict[str, Any], text: str) -> None:
    """Write the first line of a search and its spec; or see that the one that is there is the same.

    Raises SpeccError E516 where it is another one.
    """
    if not journal.head:
        try:
            write_atomic(folder / SPEC, text.encode())
        except OSError as error:
            message = f"{folder / SPEC} cannot be written: {error.strerror or error}"
            raise SpeccError("E481", message, help="choose a writable folder with --out") from error
        journal.write("search", format=FORMAT, **head, text_sha256=sha256(text.encode()).hexdigest())
        return
    other = [words for name, words in DIFFER.items() if journal.head.get(name) != head[name]]
    if other:
        message = f"{folder} holds another search: its {other[0]} differs"
        help = f"choose another folder with --out, or continue that one: specc search --resume {folder}"
        raise SpeccError("E516", message, help=help)


def refuse_change(folder: Path, head: Mapping[str, Any]) -> None:
    """Raise SpeccError E516 where spec.cnn was changed: later trials would not compare with earlier ones; E474."""
    try:
        content = read_file(folder / SPEC, MOST_BYTES)
    except OSError as error:
        message = f"`{folder / SPEC}` cannot be read: {error.strerror or error}"
        raise SpeccError("E474", message, help="restore it, or start another search") from error
    if sha256(content).hexdigest() != head.get("text_sha256"):
        message = f"{folder / SPEC} is not the spec that this search began with"
        help = "take back what was changed in it, or search it as another one: specc search FILE --out FOLDER"
        raise SpeccError("E516", message, help=help)


def write_result(folder: Path, found: dict[str, Any], checked: Check) -> None:
    """Write search.json, and best.cnn where there is a best trial.

    checked: the folder's spec with settings on top. Raises SpeccError E481 where the disk does not take it.
    """
    try:
        write_atomic(folder / RESULT, json_bytes(found))
        best = next((one for one in found["trials"] if one["trial"] == found["best"]), None)
        if best is not None:
            write_atomic(folder / BEST, _best_text(found, best, checked).encode())
    except OSError as error:
        message = f"the search cannot be written to {folder}: {error.strerror or error}"
        raise SpeccError("E481", message, help="free some disk space, then run the same command again") from error


def _best_text(found: dict[str, Any], best: dict[str, Any], checked: Check) -> str:
    """A spec that extends the search's with what was found."""
    figure, paths = figure_of(found), [path for path, _ in best["values"]]
    resolved = checked([f"{path}={value}" for path, value in best["values"]]).resolved
    said = f"# trial {best['trial']} of {len(found['trials'])}: validation {figure.title} {figure.text(best['value'])},"
    return extension(SPEC, resolved, paths, f"{said}\n# chosen on the validation images, so optimistic\n")
