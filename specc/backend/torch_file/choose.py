"""Which of the tensors in a checkpoint are the weights: those of its one dictionary of tensors, wherever that lies."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from specc.backend.torch_file.values import Parameter, StoredTensor
from specc.errors import SpeccError

TOP = "."  # the key of what was saved itself
DEEPEST = 4  # levels of dictionaries that are looked through
WRAPPERS = ("module.", "_orig_mod.")  # before each name: DataParallel's and torch.compile's


class Chosen(NamedTuple):
    """The weights, by name in the file's order.

    key: of their dictionary, such as `state_dict` or `ema.model`; "" where it is the file itself. wrappers: the prefix
    that was removed from each name. left: what else the file holds, by name.
    """

    key: str
    tensors: dict[str, StoredTensor]
    wrappers: str
    left: tuple[str, ...]


def choose(value: object, key: str | None, path: object) -> Chosen:
    """The weights in what a file holds. key: of the dictionary to take, where that is asked for; path: for messages.

    Raises SpeccError E495 where there are none, several, or none at `key`.
    """
    found = list(_tables(value))
    tables = {".".join(where): table for where, table in found}
    if len(tables) < len(found):
        raise SpeccError("E495", f"{path} holds two sets of weights at the same key", help="rename a key in the file")
    weights = {where: table for where, table in tables.items() if _are_weights(table)} or tables
    names = ", ".join(f"`{where or TOP}`" for where in weights)
    if not weights:
        raise SpeccError("E495", f"{path} holds no weights: no dictionary from names to tensors", help="check the file")
    wanted = "" if key == TOP else key
    if wanted is None and len(weights) > 1:
        message = f"{path} holds {len(weights)} sets of weights: {names}"
        raise SpeccError("E495", message, help=f"choose one of them, such as --key {next(iter(weights)) or TOP}")
    where = next(iter(weights)) if wanted is None else wanted
    if where not in tables:
        raise SpeccError("E495", f"{path} holds no weights at `{key}`", help=f"it holds {names}")
    tensors = {name: tensor for name, entry in tables[where].items() if (tensor := _tensor(entry)) is not None}
    wrappers = _wrappers(tensors)
    return Chosen(
        where,
        {name.removeprefix(wrappers): tensor for name, tensor in tensors.items()},
        wrappers,
        tuple(_left(value, next(steps for steps, table in found if table is tables[where]))),
    )


def _tensor(value: object) -> StoredTensor | None:
    if isinstance(value, Parameter):
        return value.tensor
    return value if isinstance(value, StoredTensor) else None


def _tables(value: object) -> Iterator[tuple[tuple[str, ...], dict[str, object]]]:
    """Each dictionary with a tensor under a name, once, and the names that lead to it.

    An optimizer numbers its tensors; numbers are not followed.
    """
    seen: set[int] = set()
    level: list[tuple[tuple[str, ...], object]] = [((), value)]
    for _ in range(DEEPEST):
        below: list[tuple[tuple[str, ...], object]] = []
        for where, table in level:
            if not isinstance(table, dict) or id(table) in seen:
                continue
            seen.add(id(table))
            named = {name: entry for name, entry in table.items() if isinstance(name, str)}
            if any(_tensor(entry) is not None for entry in named.values()):
                yield where, named
            below += [((*where, name), entry) for name, entry in named.items() if isinstance(entry, dict)]
        level = below


def _are_weights(table: Mapping[str, object]) -> bool:
    """Whether a dictionary has more than figures (a best accuracy) and states of generators."""
    tensors = [tensor for entry in table.values() if (tensor := _tensor(entry)) is not None]
    return any(tensor.dtype.is_floating_point and tensor.size for tensor in tensors)


def _wrappers(names: Mapping[str, object]) -> str:
    """What stands before all names, of that which wrappers of a network put there."""
    before = ""
    while True:
        more = next((one for one in WRAPPERS if all(name.startswith(before + one) for name in names)), None)
        if more is None or before + more in names:
            return before
        before += more


def _left(value: object, where: tuple[str, ...]) -> Iterator[str]:
    """The names of what lies beside a dictionary of weights, on each level above it, and of what in it is no tensor."""
    for depth, step in enumerate([*where, None]):
        assert isinstance(value, dict)
        for name, entry in value.items():
            if name != step and (step is not None or not isinstance(name, str) or _tensor(entry) is None):
                yield ".".join([*where[:depth], str(name)])
        value = value.get(step)
