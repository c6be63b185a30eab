"""A search trained again from its journal: same values, seeds and ends, and so the same bits. No sampler is asked."""

from collections.abc import Mapping
from math import inf
from typing import Any, NamedTuple

from specc.backend.interrupt import Interrupt
from specc.backend.search.journal import Journal, Training, Trial
from specc.backend.search.live import Board
from specc.backend.search.messages import Job
from specc.backend.search.pool import Pool
from specc.backend.search.runner import MOST_KILLS, WAIT
from specc.errors import SpeccError


class Replayed(NamedTuple):
    """A training, then and now: the SHA-256 of its weights by file, and its figure. now: None where it failed."""

    trial: int
    seed: int
    then: Mapping[str, Any]
    now: Mapping[str, Any] | None
    error: str = ""

    @property
    def is_same(self) -> bool:
        return self.now is not None and all(
            self.now[name] == self.then[name] for name in ("weights", "value", "epochs")
        )

    def as_dict(self) -> dict[str, Any]:
        now = self.now and self.now["weights"]
        about = {"trial": self.trial, "seed": self.seed, "same": self.is_same, "error": self.error or None}
        return about | {"then": self.then["weights"], "now": now}


def replay(journal: Journal, pool: Pool, board: Board) -> tuple[list[Replayed], int]:
    """Train every training of the journal that has ended again; how each compares, and the exit status of a signal.

    Raises SpeccError: E518 there is nothing to replay, E519 a worker ends again and again.
    """
    ended = [
        (trial, training)
        for trial in journal.trials.values()
        for training in trial.trainings.values()
        if training.outcome is not None
    ]
    if not ended:
        help = "let the search train something first"
        raise SpeccError("E518", f"no training has ended in {journal.path}: there is nothing to replay", help=help)
    waiting = [(trial, training) for trial, training in ended]
    at_work: dict[int, tuple[Trial, Training]] = {}
    alive: set[int] = set()
    found: list[Replayed] = []
    deaths = 0
    with board, Interrupt() as interrupt:
        try:
            while (waiting or at_work) and not interrupt.signal:
                for worker in range(1, pool.size + 1):
                    if worker not in at_work and waiting:
                        if worker not in alive:
                            pool.start(worker)
                            alive.add(worker)
                        trial, training = at_work[worker] = waiting.pop(0)
                        pool.send(worker, _job(trial, training).message())
                        board.begin(worker, trial, training.seed, False)
                for worker, message in pool.events(WAIT):
                    what = message["what"]
                    if what == "steps":
                        board.steps(worker, message["text"])
                    elif what in ("trained", "failed"):
                        trial, training = at_work.pop(worker)
                        found.append(_compared(trial, training, message))
                        board.say(said(found[-1], len(found), len(ended)))
                    elif what == "died":
                        alive.discard(worker)
                        deaths += 1
                        if deaths >= MOST_KILLS:
                            words = pool.last_words(worker)
                            raise SpeccError("E519", f"workers end again and again: {words}", help="see its log")
                        if worker in at_work:
                            waiting.insert(0, at_work.pop(worker))
        finally:
            pool.close(at_once=bool(interrupt.signal) or bool(at_work))
    return sorted(found), interrupt.status


def _job(trial: Trial, training: Training) -> Job:
    assert training.outcome is not None
    until = training.outcome["epochs"] if training.outcome["pruned"] else inf
    return Job(trial.number, training.seed, f"{trial.number:03d}-seed{training.seed}", tuple(trial.sets), until)


def _compared(trial: Trial, training: Training, message: Mapping[str, Any]) -> Replayed:
    assert training.outcome is not None
    if message["what"] == "failed":
        return Replayed(trial.number, training.seed, training.outcome, None, f"{message['code']} {message['message']}")
    return Replayed(trial.number, training.seed, training.outcome, message)


def said(one: Replayed, number: int, count: int) -> str:
    """How a training compares, in words."""
    name = f"[{number}/{count}] trial {one.trial}, seed {one.seed}"
    if one.error:
        return f"{name}: {one.error}"
    file, then = next(iter(one.then["weights"].items()))
    if one.is_same:
        return f"{name}: the same bits, SHA-256 of {file} {then[:16]}…"
    assert one.now is not None
    return f"{name}: DIFFERENT, SHA-256 of {file} {then[:16]}… then, {one.now['weights'][file][:16]}… now"
