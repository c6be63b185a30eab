"""A search whose trainings are formulas: workers in this process, which answer at once and die when they are to."""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from specc.backend.search.journal import FORMAT, Journal
from specc.backend.search.live import Silent
from specc.backend.search.messages import Message
from specc.backend.search.pool import Event
from specc.backend.search.runner import Scope, Search
from specc.backend.search.suggest import How, Suggester
from specc.check import Checked, check
from specc.check.variants import Searched, searched_in
from specc.source import Source
from specc.tasks import CLASSIFICATION

SPEC = """
data { source = digits }
network N(width=4, act=relu) { conv(width) -> act -> global_avg_pool -> dense(10) }
train { optimizer = adam(lr=1e-2) }
search {
  network.width = choice(4, 6, 8)
  train.optimizer.lr = log_uniform(1e-4, 1e-1)
}
"""
ACCURACY = CLASSIFICATION.figures[0]
Value = Callable[[dict[str, str], int, int], float]  # of the values, the seed and the epoch
Training = Generator[Message, bool, None]


def space_of(text: str = SPEC) -> list[Searched]:
    return searched_in(Source("net.cnn", text))


def from_rate(values: dict[str, str], seed: int, epoch: int) -> float:
    """Best at a rate of 0.01, and better with each epoch."""
    from math import log10

    rate, width = float(values["train.optimizer.lr"]), float(values["network.width"])
    return (0.9 - 0.2 * abs(log10(rate) + 2) + 0.001 * width + 0.0001 * seed) * (1 - 0.5**epoch)


class Formulas:
    """Workers that compute a value. deaths: the numbers of those `epoch` messages before which the worker dies."""

    def __init__(self, size: int, value: Value, epochs: int = 4, deaths: Sequence[int] = ()) -> None:
        self.size, self.value, self.epochs = size, value, epochs
        self.deaths, self.told, self.trained = set(deaths), 0, 0
        self.queue: deque[Event] = deque()
        self.trainings: dict[int, Training] = {}
        self.done: dict[str, int] = {}  # epochs by run, as its folder would have them
        self.started, self.stopped = 0, False

    def start(self, worker: int) -> int:
        self.started += 1
        self.queue.append(Event(worker, {"what": "ready"}))
        return 1000 + self.started

    def _train(self, job: Message) -> Training:
        values = dict(text.split("=", 1) for text in job["sets"])
        for epoch in range(1, self.epochs + 1):
            self.done[job["run"]] = max(self.done.get(job["run"], 0), epoch)
            value = self.value(values, job["seed"], epoch)
            last = epoch == self.epochs
            if job["until"] is None:
                pruned = yield {"what": "epoch", "epoch": float(epoch), "value": value, "last": last}
            else:
                pruned = epoch >= job["until"]
            if pruned:
                break
        self.trained += 1
        told = {"value": value, "epoch": float(epoch), "epochs": float(epoch), "pruned": pruned, "seconds": 1.0}
        yield {"what": "trained", **told, "threads": 1, "weights": {"last.safetensors": f"{value!r}"}}

    def send(self, worker: int, message: Message) -> None:
        if message["what"] == "job":
            training = self.trainings[worker] = self._train(message)
            self._tell(worker, next(training))
        else:
            self._tell(worker, self.trainings[worker].send(message["prune"]))

    def _tell(self, worker: int, message: Message) -> None:
        if message["what"] == "epoch":
            self.told += 1
            if self.told in self.deaths:
                self.queue.append(Event(worker, {"what": "died", "status": -9}))
                return
        self.queue.append(Event(worker, message))

    def events(self, seconds: float) -> list[Event]:
        return [self.queue.popleft()] if self.queue else []

    def stop(self) -> None:
        self.stopped = True
        self.queue.clear()
        for worker in self.trainings:
            self.queue.append(Event(worker, {"what": "stopped", "status": 143}))

    def close(self, at_once: bool = False) -> None:
        pass

    def last_words(self, worker: int) -> str:
        return "out of words"


def checked(sets: Sequence[str]) -> Checked:
    return check(Source("net.cnn", SPEC), sets=sets)


def head(**values: Any) -> dict[str, Any]:
    """The first line of a journal."""
    return {"format": FORMAT, "figure": "accuracy", "seeds": [0], **values}


def make_search(
    folder: Path,
    pool: Formulas,
    trials: int = 6,
    sampler: str = "random",
    pruner: str = "none",
    seeds: int = 1,
    space: Sequence[Searched] = (),
    storage: str | None = None,
    owner: str = "me",
    name: str = "a search",
    spec: Callable[[Sequence[str]], Checked] = checked,
) -> Search:
    """A search in a folder, which continues what is there."""
    journal = Journal(folder)
    if not journal.head:
        journal.write("search", **head(seeds=list(range(seeds))))
    space = space or space_of()
    how = How(name, sampler, pruner, 0, seeds, pool.epochs, storage, owner)
    suggester = Suggester(space, how, ACCURACY)
    scope = Scope(trials, tuple(range(seeds)), pruner)
    return Search(space, scope, journal, suggester, pool, Silent(), spec, lambda: None)
