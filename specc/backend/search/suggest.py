"""What is tried next, and what is not worth going on with: the part of a search that Optuna decides.

Trials are numbered from 1 here, from 0 in Optuna.
"""

from collections.abc import Iterable, Sequence
from time import monotonic
from typing import Any, NamedTuple

from specc.backend.search.engine import make_pruner, make_sampler, need_optuna, without_warnings
from specc.backend.search.journal import COMPLETED, FAILED, LOST, PRUNED, RUNNING, Trial
from specc.backend.search.storage import BEAT, answers, open_storage
from specc.check.variants import Searched, Settings
from specc.tasks import Figure

OWNER, VALUES, ERROR, SURPLUS = "owner", "values", "error", "surplus"  # what a shared trial says of itself


class How(NamedTuple):
    """How a search draws and prunes. name: of the search in a shared storage. storage: its URL; None for one machine.

    owner: who asks. epochs: of the longest training. seeds: trainings of a trial; a pruner compares seeds where there
    are several, and epochs where there is one.
    """

    name: str
    sampler: str
    pruner: str
    seed: int
    seeds: int
    epochs: float
    storage: str | None = None
    owner: str = ""


class Elsewhere(NamedTuple):
    """A trial of another machine."""

    number: int
    values: Settings
    state: str
    value: float | None


class Suggester:
    """Draws values and decides on pruning, from all that it was told.

    Every method raises SpeccError E515 where a shared storage does not answer.
    """

    def __init__(self, space: Sequence[Searched], how: How, figure: Figure) -> None:
        optuna = need_optuna()
        self.space, self.how = space, how
        self.optuna, self.states = optuna, optuna.trial.TrialState
        self.storage = open_storage(how.storage)
        self.pruner = make_pruner(how.pruner, how.epochs)
        direction = "minimize" if figure.is_error else "maximize"
        with answers(how.storage), without_warnings():
            self.study = optuna.create_study(
                storage=self.storage,
                sampler=make_sampler(how.sampler, how.seed),
                pruner=self.pruner,
                study_name=how.name,
                direction=direction,
                load_if_exists=True,
            )
        self.distributions = {one.path: self._distribution(one) for one in space}
        self.beaten = 0.0

    def _distribution(self, searched: Searched) -> Any:
        """A choice by number, a range by the share of the way through it: on its own scale, whatever its word is."""
        distributions = self.optuna.distributions
        if searched.number is None:
            return distributions.CategoricalDistribution(range(len(searched.values)))
        return distributions.FloatDistribution(0.0, 1.0)

    def restore(self, trials: Iterable[Trial]) -> list[int]:
        """Learn what the journal tells; the numbers of trials that another machine has taken over."""
        lost = []
        with answers(self.how.storage), without_warnings():
            for trial in trials:
                if self.how.storage is None:
                    self.study.add_trial(self._frozen(trial))
                elif self._frozen_of(trial.number).state.is_finished():
                    if trial.state == RUNNING:
                        lost.append(trial.number)
                elif trial.state not in (RUNNING, LOST):
                    self._tell(trial)
        return lost

    def ask(self) -> tuple[int, dict[str, float]]:
        """The number of a new trial, and what is drawn for it, by path."""
        with answers(self.how.storage), without_warnings():
            if self.how.storage is not None:
                self.optuna.storages.fail_stale_trials(self.study)
            trial = self.study.ask(self.distributions)
            drawn = dict(trial.params)
            if self.how.storage is not None:
                texts = [[one.path, one.text(drawn[one.path])] for one in self.space]
                trial.set_user_attr(VALUES, texts)
                trial.set_user_attr(OWNER, self.how.owner)
                self.storage.record_heartbeat(self._id(trial.number + 1))
            return trial.number + 1, drawn

    def is_surplus(self, number: int, trials: int) -> bool:
        """Whether a new trial is one more than wanted, as another machine was faster; it is then given back."""
        if self.how.storage is None:
            return False
        with answers(self.how.storage):
            if sum(self._counts(one) for one in self._all() if one.number < number) <= trials:
                return False
            self.storage.set_trial_user_attr(self._id(number), SURPLUS, True)
            self.study.tell(number - 1, state=self.states.FAIL)
            return True

    def count(self) -> int:
        """How many trials of a shared search have been begun, by whomever."""
        with answers(self.how.storage):
            return sum(map(self._counts, self._all()))

    def _counts(self, trial: Any) -> bool:
        """Whether a trial is one of those that were asked for, not given back and not taken over."""
        attributes = trial.user_attrs
        is_gone = trial.state == self.states.FAIL and ERROR not in attributes
        return OWNER in attributes and SURPLUS not in attributes and not is_gone

    def report(self, trial: Trial, step: int, value: float) -> bool:
        """Whether a trial is to be pruned, with this figure after that epoch, or with that seed."""
        with answers(self.how.storage), without_warnings():
            place = self._id(trial.number)
            self.storage.set_trial_intermediate_value(place, step, value)
            return bool(self.pruner.prune(self.study, self.storage.get_trial(place)))

    def tell(self, trial: Trial) -> None:
        """A trial has ended. The journal knows it already, so that `restore` makes a kill in between good."""
        with answers(self.how.storage), without_warnings():
            self._tell(trial)

    def _tell(self, trial: Trial) -> None:
        place = self._id(trial.number)
        if self.storage.get_trial(place).state.is_finished():
            return  # another machine has taken it over meanwhile; both come to the same figure
        for step, value in trial.steps(self.how.seeds > 1).items():
            self.storage.set_trial_intermediate_value(place, step, value)
        if trial.error:
            self.storage.set_trial_user_attr(place, ERROR, trial.error)
        result = trial.value if trial.state == COMPLETED else None
        self.study.tell(trial.number - 1, result, state=self._state(trial.state))

    def beat(self, running: Iterable[Trial]) -> None:
        """Let other machines know, now and then, that these trials are being trained."""
        if self.how.storage is None or monotonic() - self.beaten < BEAT:
            return
        with answers(self.how.storage):
            for trial in running:
                self.storage.record_heartbeat(self._id(trial.number))
        self.beaten = monotonic()

    def elsewhere(self) -> list[Elsewhere]:
        """The trials of other machines."""
        if self.how.storage is None:
            return []
        with answers(self.how.storage):
            return [
                Elsewhere(
                    one.number + 1,
                    tuple((path, value) for path, value in one.user_attrs[VALUES]),
                    self._word(one.state),
                    one.value if one.state == self.states.COMPLETE else None,
                )
                for one in self._all()
                if self._counts(one) and one.user_attrs[OWNER] != self.how.owner
            ]

    def importances(self) -> dict[str, float]:
        """How much of the figure's variance each setting explains (fANOVA: Hutter, Hoos and Leyton-Brown, 2014).

        Empty where too few trials were completed to tell, or where all have the same figure.
        """
        with answers(self.how.storage), without_warnings():
            evaluator = self.optuna.importance.FanovaImportanceEvaluator(seed=self.how.seed)
            completed = [one for one in self._all() if one.state == self.states.COMPLETE]
            if len(completed) < 4 or len({one.value for one in completed}) < 2:
                return {}
            try:
                found = self.optuna.importance.get_param_importances(self.study, evaluator=evaluator)
            except (RuntimeError, ValueError):  # no setting has two values
                return {}
        return {path: float(share) for path, share in found.items()}

    def close(self) -> None:
        """Let go of a shared storage."""
        if self.how.storage is not None:
            self.storage.remove_session()
            self.storage.engine.dispose()

    def _all(self) -> list[Any]:
        return list(self.study.get_trials(deepcopy=False))

    def _id(self, number: int) -> int:
        study = self.storage.get_study_id_from_name(self.how.name)
        return int(self.storage.get_trial_id_from_study_id_trial_number(study, number - 1))

    def _frozen_of(self, number: int) -> Any:
        return self.storage.get_trial(self._id(number))

    def _frozen(self, trial: Trial) -> Any:
        """A trial as Optuna holds it."""
        return self.optuna.trial.create_trial(
            state=self._state(trial.state),
            value=trial.value if trial.state == COMPLETED else None,
            params=trial.drawn,
            distributions=self.distributions,
            intermediate_values=trial.steps(self.how.seeds > 1),
        )

    def _state(self, state: str) -> Any:
        states = self.states
        return {
            RUNNING: states.RUNNING,
            COMPLETED: states.COMPLETE,
            PRUNED: states.PRUNED,
            FAILED: states.FAIL,
            LOST: states.FAIL,
        }[state]

    def _word(self, state: Any) -> str:
        states = self.states
        words = {states.COMPLETE: COMPLETED, states.PRUNED: PRUNED, states.FAIL: FAILED}
        return words.get(state, RUNNING)
