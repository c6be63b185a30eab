"""The networks of the zoo, compiled."""

from functools import lru_cache

from specc.ir.graph import Graph
from specc.source import Source
from specc.tricks.sections import DataSettings
from specc.zoo import PREFIX, zoo_source


def load_zoo(path: str, source: Source) -> Source | str:
    """What a spec of the zoo extends: another one."""
    return zoo_source(path.removeprefix(PREFIX))


@lru_cache(maxsize=4)
def compiled(model: str) -> tuple[Graph, DataSettings]:
    """The network of a model of the zoo with its own number of classes, and how it sees images."""
    from specc.check import check  # whose lints ask for this

    source = zoo_source(model)
    assert isinstance(source, Source), source
    spec = check(source, load=load_zoo).compiled()
    assert spec.data is not None
    return spec.graph, spec.data
