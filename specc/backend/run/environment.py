"""Whether a run goes on where it began, and what it means where it does not."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from specc.errors import SpeccError

ENVIRONMENT = ("device", "device_name", "ranks", "threads", "precision", "plan", "versions", "platform", "packages")
MEANS = {
    "device_name": "another device adds in another order, which changes rounding",
    "threads": "each thread sums its own part, so their number changes rounding",
    "precision": "every layer rounds to another precision",
    "torch": "other versions may compute the same layer with another algorithm",
    "numpy": "other versions may assemble batches with another algorithm",
    "specc": "other versions may compute a step differently",
    "processes": "a plain all-reduce (`plan(across=fast)`) adds in another order",
}
OF_PACKAGE = "other versions may change what its words do"


class Different(NamedTuple):
    """One thing that was so when the run began, or was last gone on with, and is otherwise now."""

    what: str
    was: str
    now: str

    def __str__(self) -> str:
        name = self.what.replace("device_name", "the device")
        return f"{name} was {self.was}, is now {self.now}: {MEANS.get(self.what, OF_PACKAGE)}"


def differences(info: Mapping[str, Any], about: Mapping[str, Any]) -> list[Different]:
    """What differs between a run.json and where the run would go on now."""
    found = list[Different]()
    for what in MEANS:
        was, now = _of(info, what), _of(about, what)
        # a processor's name tells its threads, too
        if was != now and not (what == "threads" and found):
            found.append(Different(what, str(was), str(now)))
    was, now = (side.get("packages", {}) for side in (info, about))  # those of a changed spec are told by its changes
    found += [Different(name, was[name], now[name]) for name in was if name in now and was[name] != now[name]]
    return found


def _of(about: Mapping[str, Any], what: str) -> Any:
    """What a run.json says of one of MEANS; of processes their number, where it has a part in the result."""
    if what in ("device_name", "threads", "precision"):
        return about.get(what)
    if what == "processes":
        ranks = about.get("ranks", {})
        return ranks.get("world") if ranks.get("across") == "fast" else None
    return (about.get("versions") or {}).get(what)


def refuse(found: list[str], path: object) -> None:
    """Raise SpeccError E486 where anything would come out otherwise; found: what, in words."""
    if found:
        raise SpeccError(
            "E486",
            [f"{path} cannot be resumed exactly, because this has changed since it was begun:", *found],
            help="--resume-inexact resumes anyway; results will differ as with another "
            "seed, and run.json will record it",
            status=1,
        )
