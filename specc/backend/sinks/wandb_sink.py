"""Weights & Biases: a run in WANDB_PROJECT, or in the project named after the network.

Without a login, and without a WANDB_MODE that says otherwise, it is kept offline: nothing asks for a key.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import wandb

from specc.backend.sinks.sink import About
from specc.files import read_file

HTML = ".html"


class WandB:
    def __init__(self, about: About) -> None:
        is_offline = not os.environ.get("WANDB_MODE") and not wandb.api.api_key
        self.run: Any = wandb.init(
            project=os.environ.get("WANDB_PROJECT") or about.name,
            name=about.label,
            dir=about.path,
            mode="offline" if is_offline else None,
            reinit="create_new",  # another run of this process goes on
            settings=wandb.Settings(
                console="off", silent=True, x_disable_stats=True, disable_git=True, disable_code=True
            ),
        )
        folder = Path(self.run.dir).parent
        is_kept = is_offline or self.run.offline
        self.where = f"{folder}; wandb sync {folder} sends it" if is_kept else str(self.run.url)

    def settings(self, values: Mapping[str, str]) -> None:
        self.run.config.update(dict(values))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        self.run.log(dict(values), step=step)

    def results(self, step: int, values: Mapping[str, float]) -> None:
        self.run.summary.update({f"result/{name}": value for name, value in values.items()})

    def text(self, name: str, text: str) -> None:
        self.run.summary[name] = text

    def picture(self, name: str, file: Path) -> None:
        self.run.log({f"pictures/{name}": wandb.Image(str(file))})

    def file(self, file: Path) -> None:
        if file.suffix == HTML:
            self.run.log({f"pages/{file.stem}": wandb.Html(read_file(file).decode(), inject=False)})
            return
        kind = "model" if file.suffix == ".onnx" else "run"
        artifact = wandb.Artifact(f"{self.run.id}-{file.stem}", type=kind)
        artifact.add_file(str(file))
        self.run.log_artifact(artifact)

    def close(self, *, finished: bool) -> None:
        self.run.finish(exit_code=0 if finished else 1)


def open_sink(about: About) -> WandB:
    return WandB(about)
