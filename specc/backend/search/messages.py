"""What a search and its workers tell each other: lines of JSON, each with its `what`.

To a worker: `job` (train this), `go` (the answer to `epoch`: on, or prune). From it: `ready`, `note`, `steps`, `epoch`,
and as the end of a job `trained`, `failed` or `stopped`. `died` is said of it once its process has ended.
"""

from typing import Any, NamedTuple

Message = dict[str, Any]


class Job(NamedTuple):
    """One training. sets: the values of its trial.

    until: in a replay, the epoch at which it ends early, or infinity; None where the search is asked after each epoch.
    """

    trial: int
    seed: int
    run: str
    sets: tuple[str, ...]
    until: float | None = None

    def message(self) -> Message:
        return {"what": "job", **self._asdict(), "sets": list(self.sets)}


def job_of(message: Message) -> Job:
    return Job(message["trial"], message["seed"], message["run"], tuple(message["sets"]), message["until"])
