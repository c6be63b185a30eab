"""Optuna, imported where it is needed: its samplers and pruners, by the names that specc gives them."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from math import ceil
from typing import Any

from specc.errors import SpeccError

P_THRESHOLD = 0.1  # of Wilcoxon's test: a trial that is worse than the best one with less doubt than this is pruned


def need_optuna() -> Any:
    """The package Optuna. Raises SpeccError E512 where it is not installed."""
    try:
        import optuna
    except ImportError:
        help = 'pip install "specc-cnn[search]"'
        raise SpeccError("E512", "`specc search` needs Optuna, which is not installed", help=help) from None
    optuna.logging.disable_default_handler()
    logging.getLogger("optuna").setLevel(logging.ERROR)
    return optuna


@contextmanager
def without_warnings() -> Iterator[None]:
    """Optuna warns of all that it calls experimental: half of what is used here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def make_pruner(name: str, epochs: float) -> Any:
    """The pruner of that name. epochs: of the longest training."""
    pruners = need_optuna().pruners
    with without_warnings():
        match name:
            case "median":
                return pruners.MedianPruner()
            case "hyperband":
                return pruners.HyperbandPruner(min_resource=1, max_resource=max(1, ceil(epochs)))
            case "wilcoxon":
                return pruners.WilcoxonPruner(p_threshold=P_THRESHOLD)
            case "none":
                return pruners.NopPruner()
    raise AssertionError(name)


def _inner_sampler(name: str, seed: int) -> Any:
    samplers = need_optuna().samplers
    with without_warnings():
        match name:
            case "tpe":
                return samplers.TPESampler(seed=seed)
            case "random":
                return samplers.RandomSampler(seed=seed)
            case "gp":
                return samplers.GPSampler(seed=seed)
    raise AssertionError(name)


def make_sampler(name: str, seed: int) -> Any:
    """A sampler whose draws for a trial follow from the seed, the trial's number and the trials that it knows of.

    Optuna's own samplers hold a generator with a history, which a search that was killed has lost.
    """
    optuna = need_optuna()

    class Seeded(optuna.samplers.BaseSampler):  # type: ignore[misc,name-defined]  # the base is imported here
        def __init__(self) -> None:
            self.number, self.inner = -1, _inner_sampler(name, seed)

        def _of(self, trial: Any) -> Any:
            if trial.number != self.number:
                digest = sha256(f"{seed}/{trial.number}".encode()).digest()
                self.number, self.inner = trial.number, _inner_sampler(name, int.from_bytes(digest[:4], "big"))
            return self.inner

        def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
            return self._of(trial).infer_relative_search_space(study, trial)

        def sample_relative(self, study: Any, trial: Any, search_space: Mapping[str, Any]) -> Any:
            with without_warnings():
                return self._of(trial).sample_relative(study, trial, search_space)

        def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
            return self._of(trial).sample_independent(study, trial, param_name, param_distribution)

        def before_trial(self, study: Any, trial: Any) -> None:
            self._of(trial).before_trial(study, trial)

        def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
            self._of(trial).after_trial(study, trial, state, values)

    return Seeded()
