"""The words of the language as Markdown."""

from functools import cache

from specc.ops import OPS
from specc.report.words import Entry, about, signature, words, worked
from specc.tricks import COMPONENTS
from specc.tricks.sections import SECTIONS
from specc.vocabulary.param import REQUIRED, Param

FIELDS = {
    "channels": "the channels of what flows in here; of a vector, its length",
    "height": "the height of the map that flows in here",
    "width": "the width of the map that flows in here",
    "size": "height x width of the map that flows in here",
}


def word_page(entry: Entry) -> str:
    """A layer or another word: how it is called, what it does, its parameters, an example and what that gives."""
    parts = [code(signature(entry)), entry.doc]
    parts.append("\n".join(f"- `{param.name.lstrip('*')}`: {about(param)}" for param in entry.params))
    if entry.example:
        parts.append(code("\n".join([entry.example, *_worked(entry.family, entry.name)])))
    return "\n\n".join(filter(None, parts))


@cache
def _worked(family: str, name: str) -> tuple[str, ...]:
    return tuple(worked(OPS[name])) if family == "layer" else ()


def setting_page(section: str, param: Param) -> str:
    default = "" if param.default is REQUIRED else f" = {about(param).rpartition('default ')[2][:-1]}"
    return f"{code(f'{section}.{param.name}{default}')}\n\n{about(param)}"


def argument_page(param: Param) -> str:
    return f"`{param.name.lstrip('*')}`: {about(param)}"


def section_page(name: str) -> str:
    """A section with its settings."""
    if name not in SECTIONS:
        return {"network": "The parameters of the network.", "search": "What a search may vary."}.get(name, "")
    entry = next(one for one in words()["section"] if one.name == name)
    settings = "\n".join(f"- `{param.name}`: {about(param)}" for param in SECTIONS[name])
    return f"{code(entry.example)}\n\n{entry.doc}\n\n{settings}"


def entry_of(family: str, name: str) -> Entry | None:
    """A word by its family and name; the family of layers is "layer"."""
    known: dict[str, Entry] = {**OPS} if family == "layer" else {**COMPONENTS.get(family, {})}
    return known.get(name)


def code(text: str) -> str:
    return f"```cnn\n{text}\n```"
