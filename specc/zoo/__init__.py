"""The specs that come with specc: published networks, as `extends "zoo:resnet50"` and `specc zoo` name them.

A family is two files. `resnet.cnn` is its network, whose sizes are parameters. `resnet.toml` lists its models, each
with the settings that make it, and what the layers are called in the libraries that publish trained weights
(`specc.zoo.naming`). A model is the text that extends its family with these settings.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

from specc.diagnostics import nearest
from specc.errors import SpeccError, clean
from specc.source import Source
from specc.zoo.naming import Naming, read_namings

PREFIX = "zoo:"
FAMILIES = "families"
SMALLEST = 48  # pixels; after five strides of 2 they are 2 x 2, and even before the first four
FOLDER = Path(__file__).parent


class Family(NamedTuple):
    """Models that share a network.

    name: of its files. title: what it is called. papers: where it comes from. models: their settings, by name.
    namings: what its layers are called in other libraries. smallest: the side of the smallest images on which its
    models are compared with their origins. aux: of the models that are published with auxiliary classifiers, the same
    with these.
    """

    name: str
    title: str
    papers: tuple[str, ...]
    models: dict[str, str]
    namings: tuple[Naming, ...]
    smallest: int
    aux: dict[str, int]


@cache
def families() -> dict[str, Family]:
    """All families by name."""
    return {path.stem: _read(path) for path in sorted(FOLDER.glob("*.toml"))}


@cache
def models() -> dict[str, Family]:
    """The name of every model, and its family."""
    return {model: family for family in families().values() for model in family.models}


def zoo_source(name: str) -> Source | str:
    """The spec `zoo:NAME`, of a model, or of a family as `families/NAME`; what is wrong, where there is none."""
    folder, _, family = name.rpartition("/")
    if folder == FAMILIES and family in families():
        return Source(f"{PREFIX}{name}", (FOLDER / f"{family}.cnn").read_text("utf-8"))
    if name in models():
        base = models()[name]
        return Source(f"{PREFIX}{name}", f'extends "{PREFIX}{FAMILIES}/{base.name}"\n{base.models[name]}\n')
    near = nearest(name, models())
    return f"the zoo has no `{name}`{near and f'; {near}'}"


def model_of(name: str) -> str:
    """The model that a user names, as `resnet50` or `zoo:resnet50`. Raises SpeccError E470 where there is none."""
    model = name.removeprefix(PREFIX)
    if model in models():
        return model
    family = families().get(model.removeprefix(f"{FAMILIES}/"))
    if family is None:
        raise unknown(model)
    message = f"`{model}` is a family of networks, but one of its models is needed"
    raise SpeccError("E470", clean(message), help=f"such as {next(iter(family.models))}; `specc zoo {family.name}`")


def unknown(name: str) -> SpeccError:
    """E470: the zoo has nothing of this name."""
    help = nearest(name, (*models(), *families())) or "run `specc zoo` to see what it has"
    return SpeccError("E470", clean(f"the zoo has no `{name}`"), help=help)


def naming_of(model: str, library: str) -> Naming:
    """What the layers of a model are called in a library that publishes weights for it."""
    return next(one for one in models()[model].namings if library in one.libraries and model in one.models)


def _read(path: Path) -> Family:
    import tomllib  # which takes longer than the rest of this module

    table = tomllib.loads(path.read_text("utf-8"))
    models: dict[str, str] = table["models"]
    namings = read_namings(table.get("names", ()), models)
    smallest, aux = table.get("smallest", SMALLEST), table.get("aux", {})
    return Family(path.stem, table["title"], tuple(table["papers"]), models, namings, smallest, aux)
