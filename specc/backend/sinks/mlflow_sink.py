"""MLflow: a run in the experiment named after the network, where MLFLOW_TRACKING_URI says, or in MLflow's own place."""

import os
from collections.abc import Mapping
from pathlib import Path
from time import time
from typing import Any

from specc.backend.sinks.sink import About

os.environ.setdefault(
    "MLFLOW_DISABLE_TELEMETRY", "true"
)  # nothing is reported from here; it is read as MLflow is loaded

import mlflow
from mlflow.entities import Metric, Param

MOST = 100  # metrics or parameters in one call
LETTERS = 500  # of a parameter


class MLflow:
    def __init__(self, about: About) -> None:
        self.client: Any = mlflow.MlflowClient()
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or about.name
        known = self.client.get_experiment_by_name(name)
        number = known.experiment_id if known else self.client.create_experiment(name)
        tags = {"mlflow.source.name": "specc", "specc.run": str(about.path.resolve())}
        self.run = self.client.create_run(number, run_name=about.label, tags=tags).info.run_id
        self.where = f"experiment {name}, run {self.run} at {mlflow.get_tracking_uri()}"

    def settings(self, values: Mapping[str, str]) -> None:
        params = [Param(name, value[:LETTERS]) for name, value in values.items()]
        for first in range(0, len(params), MOST):
            self.client.log_batch(self.run, params=params[first : first + MOST])

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        now = int(time() * 1000)
        metrics = [Metric(name, value, now, step) for name, value in values.items()]
        self.client.log_batch(self.run, metrics=metrics)

    def results(self, step: int, values: Mapping[str, float]) -> None:
        self.scalars(step, {f"result/{name}": value for name, value in values.items()})

    def text(self, name: str, text: str) -> None:
        self.client.log_text(self.run, text, f"{name}.md")

    def picture(self, name: str, file: Path) -> None:
        self.client.log_artifact(self.run, str(file), "pictures")

    def file(self, file: Path) -> None:
        self.client.log_artifact(self.run, str(file))

    def close(self, *, finished: bool) -> None:
        self.client.set_terminated(self.run, status="FINISHED" if finished else "KILLED")


def open_sink(about: About) -> MLflow:
    return MLflow(about)
