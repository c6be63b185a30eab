"""Whether several processes can train together: their number, and what each of them has."""

from collections.abc import Mapping
from typing import Any

from specc.backend.ranks import Ranks
from specc.errors import SpeccError

ALIKE = {  # what has to be alike: where it stands in `about`, and what it is in words
    "spec": "spec",
    "data_sha256": "data",
    "precision": "precision",
    "threads": "threads",
    "versions": "software",
    "packages": "packages",
}


def refuse_world(shards: int, world: int) -> None:
    """Raise SpeccError E502 where so many processes do not get equally many shards."""
    if shards % world == 0:
        return
    *fewer, most = [count for count in range(1, shards + 1) if shards % count == 0]
    help = f"start {', '.join(map(str, fewer))} or {most} processes, or set train.shards to a multiple of {world}"
    if shards == 1:
        message = f"{world} processes were started, but train.shards is 1: there is nothing to divide among them"
        help = f"set train.shards = {world} in the spec, or with --set; `batch` has to be a multiple of it"
    else:
        message = f"train.shards is {shards}, which cannot be divided among {world} processes"
    raise SpeccError("E502", message, help=help, status=1)


def refuse_different(ranks: Ranks, about: Mapping[str, Any]) -> None:
    """Raise SpeccError E503 where the processes are about to train different things.

    about: what run.json would say of this one, and the hash of its spec.
    """
    if ranks.is_alone:
        return
    first, *others = ranks.gather({name: about.get(name) for name in ALIKE})
    for name, what in ALIKE.items():
        for rank, other in enumerate(others, 1):
            if other[name] != first[name]:
                message = f"process {rank} differs from process 0 in its {what}: {_shown(other[name], first[name])}"
                help = "start all processes with the same spec, data, options and software"
                raise SpeccError("E503", message, help=help)


def _shown(one: Any, other: Any) -> str:
    """Two values in words; of tables only what differs."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = [name for name in {**other, **one} if one.get(name) != other.get(name)]
        return ", ".join(f"{name} {one.get(name, 'none')} instead of {other.get(name, 'none')}" for name in names)
    return f"{str(one)[:16]} instead of {str(other)[:16]}"
