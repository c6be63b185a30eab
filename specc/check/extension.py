"""Specs written by a search: the one that it searches, and the one that extends it with what was found."""

from collections.abc import Sequence

from specc.check.gather.assemble import gather
from specc.check.gather.files import parse_files
from specc.check.problems import Problems
from specc.check.variants import Searched, searched_in
from specc.source import Source
from specc.values import quoted

ORDER = ("data", "network", "train", "export")


def with_search(text: str, searched: Sequence[Searched]) -> str:
    """The text of a resolved spec with the section `search`, which resolving leaves out."""
    if searched_in(Source("spec.cnn", text)):
        return text
    lines = "".join(f"  {one.path} = {one.written}\n" for one in searched)
    return _formatted(f"{text.rstrip()}\n\nsearch {{\n{lines}}}\n")


def extension(path: str, resolved: str, paths: Sequence[str], comment: str = "") -> str:
    """A spec that extends the file at `path`, in which the settings at `paths` are as in the text `resolved`.

    A section takes whole settings, so that for `train.optimizer.lr` all of `train.optimizer` is written.
    comment: what it begins with, as it stands.
    """
    problems = Problems()
    files = parse_files(Source("resolved", resolved), None, problems)
    assert files is not None  # it was printed from what can be parsed
    spec = gather(files, problems)
    sections: dict[str, dict[str, str]] = {}
    for section, name in dict.fromkeys(tuple(path.split(".")[:2]) for path in paths):
        if section == "network":
            parameters = spec.network.parameters if spec.network else ()
            value = next(parameter.default for parameter in parameters if parameter.name == name)
        else:
            value = spec.sections[section][name].value
        sections.setdefault(section, {})[name] = value.span.text
    parts = [f"{comment}extends {quoted(path)}\n"]
    for section in ORDER:
        if section in sections:
            lines = "".join(f"  {name} = {value}\n" for name, value in sections[section].items())
            parts.append(f"{section} {{\n{lines}}}\n")
    return _formatted("\n".join(parts))


def _formatted(text: str) -> str:
    """A text in the canonical layout."""
    from specc.syntax.format import format_source  # which is not needed to check a spec

    return format_source(Source("written", text)).text or text
