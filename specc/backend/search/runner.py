"""A search from its beginning to its end, or on from where it stopped: trials to workers, figures to the journal.

The journal is written first, whatever happens; then others are told. So a search that is killed between two lines goes
on as if it had not been, and a worker that is killed has its training taken up from its newest checkpoint.
"""

from collections.abc import Callable, Sequence
from statistics import fmean
from time import monotonic
from typing import NamedTuple

from specc.backend.interrupt import Interrupt
from specc.backend.search.journal import COMPLETED, FAILED, LOST, PRUNED, RUNNING, Journal, Trial
from specc.backend.search.live import Board
from specc.backend.search.messages import Job, Message
from specc.backend.search.pool import PATIENCE, Event, Pool
from specc.backend.search.suggest import Suggester
from specc.check import Checked
from specc.check.variants import Searched
from specc.errors import SpeccError, counted

WAIT = 0.5  # seconds between looks at signals and the clock
MOST_KILLS = 5  # of one training, without an epoch in between
MOST_FAILURES = 3  # of workers in a row, to start


class Scope(NamedTuple):
    """How much is searched. seeds: the training seeds of each trial. trials: how many there are to be in all."""

    trials: int
    seeds: tuple[int, ...]
    pruner: str


class Search:
    """Gives trainings to workers until there are as many trials as wanted.

    checked: the spec with settings on top. keep: called after each trial.
    """

    def __init__(
        self,
        space: Sequence[Searched],
        scope: Scope,
        journal: Journal,
        suggester: Suggester,
        pool: Pool,
        board: Board,
        checked: Callable[[Sequence[str]], Checked],
        keep: Callable[[], object],
    ) -> None:
        self.space, self.scope = space, scope
        self.journal, self.suggester, self.pool, self.board = journal, suggester, pool, board
        self.checked, self.keep = checked, keep
        self.at_work: dict[int, Job] = {}
        self.alive: dict[int, int] = {}  # process by worker
        self.ready: set[int] = set()
        self.failures = 0  # of workers in a row, to start
        self.stopping = False

    def run(self) -> int:
        """Gives 0, or 130 and 143 where Ctrl-C or SIGTERM stopped it; its trainings can then be resumed.

        Raises SpeccError: E481 the disk is full, E515 a shared storage does not answer, E519 no worker can be started.
        """
        with self.board, Interrupt() as interrupt:
            try:
                self._restore()
                while not interrupt.signal:
                    self._assign()
                    if not self.at_work:
                        break
                    for event in self.pool.events(WAIT):
                        self._handle(event)
                    self.suggester.beat(self.journal.running)
                self._stop()
            except BaseException:
                self.pool.close(at_once=True)
                raise
            self.pool.close()
        return interrupt.status

    def _restore(self) -> None:
        """Tell Optuna what the journal holds, and end what only has to be ended."""
        for number in self.suggester.restore(self.journal.trials.values()):
            self.board.say(f"trial {number} was taken over by another machine while this one did not answer")
            self.journal.write("ended", trial=number, state=LOST, value=None, error=None)

    def _assign(self) -> None:
        """Give each worker that has nothing to do a training, while there are any."""
        for worker in range(1, self.pool.size + 1):
            if worker in self.at_work:
                continue
            job = self._next()
            if job is None:
                return
            if worker not in self.alive:
                self.alive[worker] = self.pool.start(worker)
            trial = self.journal.trials[job.trial]
            is_resumed = job.seed in trial.trainings
            self.journal.write(
                "started", trial=job.trial, seed=job.seed, run=job.run, worker=worker, pid=self.alive[worker]
            )
            self.at_work[worker] = job
            self.pool.send(worker, job.message())
            self.board.begin(worker, trial, job.seed, is_resumed)

    def _next(self) -> Job | None:
        """The next training: of a trial that has been begun, else of a new one; None where there is none for now."""
        busy = {job.trial for job in self.at_work.values()}
        for trial in self.journal.running:
            if trial.number not in busy and (job := self._job(trial)):
                return job
        while self._begun() < self.scope.trials:
            suggested = self._suggest()
            if suggested is None:
                return None
            if job := self._job(suggested):
                return job
        return None

    def _job(self, trial: Trial) -> Job | None:
        """The next training of a trial; None where it has none, for then it has ended, or waits for another."""
        if trial.same_as:
            self._follow(trial)
            return None
        if not trial.trainings and (errors := self.checked(trial.sets).errors):
            first = errors[0]
            self._end(trial, FAILED, error={"code": first.code, "message": first.message})
            return None
        ended = [training.outcome for training in trial.trainings.values() if training.outcome]
        if any(outcome["pruned"] or outcome["prune"] for outcome in ended):
            self._end(trial, PRUNED)
            return None
        left = [seed for seed in self.scope.seeds if seed not in trial.trainings or not trial.trainings[seed].outcome]
        if not left:
            self._end(trial, COMPLETED, fmean(outcome["value"] for outcome in ended))
            return None
        name = f"{trial.number:03d}" + (f"-seed{left[0]}" if len(self.scope.seeds) > 1 else "")
        return Job(trial.number, left[0], f"runs/{name}", tuple(trial.sets))

    def _begun(self) -> int:
        if self.suggester.how.storage is not None:
            return self.suggester.count()
        return sum(trial.state != LOST for trial in self.journal.trials.values())

    def _suggest(self) -> Trial | None:
        """A new trial; None where another machine was faster, and there are as many as wanted."""
        number, drawn = self.suggester.ask()
        if self.suggester.is_surplus(number, self.scope.trials):
            return None
        values = tuple((one.path, one.text(drawn[one.path])) for one in self.space)
        earlier = self.journal.earlier(values)
        same_as = earlier.number if earlier else self._same_elsewhere(values)
        graph = self.checked([f"{path}={value}" for path, value in values]).graph
        self.journal.write(
            "suggested",
            trial=number,
            values=values,
            drawn=drawn,
            parameters=graph.parameters if graph else None,
            macs=graph.total_macs if graph else None,
            same_as=same_as or None,
        )
        return self.journal.trials[number]

    def _same_elsewhere(self, values: Sequence[tuple[str, str]]) -> int:
        """The completed trial of another machine with these values; 0 for none."""
        others = self.suggester.elsewhere()
        return next((one.number for one in others if one.state == COMPLETED and one.values == values), 0)

    def _follow(self, trial: Trial) -> None:
        """End a trial as the earlier one with its values ended, once that has."""
        earlier = self.journal.trials.get(trial.same_as)
        if earlier is None:
            found = next((one for one in self.suggester.elsewhere() if one.number == trial.same_as), None)
            if found is not None:
                self._end(trial, COMPLETED, found.value)
        elif earlier.state != RUNNING:
            self._end(trial, earlier.state, earlier.value, earlier.error)

    def _end(self, trial: Trial, state: str, value: float | None = None, error: dict[str, str] | None = None) -> None:
        self.journal.write("ended", trial=trial.number, state=state, value=value, error=error)
        self.suggester.tell(trial)
        self.keep()
        self.board.end(trial)

    def _handle(self, event: Event) -> None:
        worker, message = event
        job = self.at_work.get(worker)
        match message["what"]:
            case "ready":
                self.ready.add(worker)
                self.failures = 0
            case "note":
                self.board.say(message["text"])
            case "steps":
                self.board.steps(worker, message["text"])
            case "epoch" if job:
                self.pool.send(worker, {"what": "go", "prune": self._decide(job, message)})
            case "trained" if job:
                del self.at_work[worker]
                self._trained(job, message)
            case "failed" if job:
                del self.at_work[worker]
                if message["ours"]:
                    raise SpeccError(message["code"], message["message"], help=message["help"])
                error = {"code": message["code"], "message": "; ".join(message["message"].splitlines())}
                self._end(self.journal.trials[job.trial], FAILED, error=error)
            case "stopped":
                self.at_work.pop(worker, None)
            case "died":
                self._died(worker, message["status"])

    def _decide(self, job: Job, message: Message) -> bool:
        """Whether a training is to be pruned after an epoch. What was decided once stays so."""
        trial = self.journal.trials[job.trial]
        reports = trial.trainings[job.seed].reports
        epoch, value = message["epoch"], message["value"]
        if epoch in reports:
            return reports[epoch].prune
        prune = False
        if len(self.scope.seeds) == 1 and self.scope.pruner != "none" and not message["last"]:
            prune = self.suggester.report(trial, len(reports) + 1, value)
        self.journal.write("epoch", trial=job.trial, seed=job.seed, epoch=epoch, value=value, prune=prune)
        return prune

    def _trained(self, job: Job, message: Message) -> None:
        """A training has ended; so has its trial, where no seed is left, or where those so far are no match."""
        trial = self.journal.trials[job.trial]
        done = sum(training.outcome is not None for training in trial.trainings.values()) + 1
        prune = False
        if len(self.scope.seeds) > done and self.scope.pruner != "none" and not message["pruned"]:
            prune = self.suggester.report(trial, done, message["value"])
        outcome = {name: value for name, value in message.items() if name != "what"}
        self.journal.write("trained", trial=job.trial, seed=job.seed, prune=prune, **outcome)
        self._job(trial)  # which ends it, if so

    def _died(self, worker: int, status: int) -> None:
        """A worker's process has ended: its training goes back to those that have none."""
        self.alive.pop(worker, None)
        job = self.at_work.pop(worker, None)
        was_ready = worker in self.ready
        self.ready.discard(worker)
        if self.stopping:
            return
        how = f"by signal {-status}" if status < 0 else f"with exit status {status}"
        if not was_ready and status >= 0:
            self.failures += 1
            if self.failures >= MOST_FAILURES:
                raise self._no_worker(worker, how)
        if job is None or not was_ready:
            return
        trial = self.journal.trials[job.trial]
        self.journal.write("killed", trial=job.trial, seed=job.seed, worker=worker, status=status)
        kills = trial.trainings[job.seed].kills
        self.board.say(f"worker {worker} ended {how}; trial {job.trial} is taken up again from its checkpoint")
        if kills >= MOST_KILLS:
            words = self.pool.last_words(worker)
            message = f"its worker ended {counted(kills, 'time')} without an epoch in between, last {how}"
            self._end(trial, FAILED, error={"code": "E519", "message": f"{message}: {words}" if words else message})

    def _no_worker(self, worker: int, how: str) -> SpeccError:
        words = self.pool.last_words(worker) or "it wrote nothing"
        message = f"no worker can be started: worker {worker} ended {how}: {words}"
        return SpeccError("E519", message, help="check the files `worker-*.log` in the search's folder")

    def _stop(self) -> None:
        """Let all workers keep their state and stop."""
        if not self.at_work:
            return
        self.stopping = True
        self.board.say("stopping after the step in hand; trials that are not finished are kept")
        self.pool.stop()
        end = monotonic() + PATIENCE
        while self.at_work and monotonic() < end:
            for event in self.pool.events(WAIT):
                self._handle(event)
