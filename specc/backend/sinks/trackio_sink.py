"""Trackio: a run in the project named after the network, in Trackio's own database on this machine.

TRACKIO_SPACE_ID and TRACKIO_SERVER_URL send it elsewhere, as they do without specc.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import trackio
import trackio.run
import trackio.utils

from specc.backend.sinks.sink import About

for _module in (trackio, trackio.run, trackio.utils):  # what they print would stand between the answers of specc
    vars(_module)["print"] = lambda *words, **options: None


class Trackio:
    def __init__(self, about: About) -> None:
        project = re.sub(r"[^\w-]+", "-", about.name)
        self.run: Any = trackio.init(
            project, name=about.label, config={}, embed=False, auto_log_gpu=False, auto_log_cpu=False
        )
        self.where = f"project {project}; trackio show --project {project} shows it"

    def settings(self, values: Mapping[str, str]) -> None:
        self.run.config.update(values)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        self.run.log(dict(values), step=step)

    def results(self, step: int, values: Mapping[str, float]) -> None:
        self.run.log({f"result/{name}": value for name, value in values.items()}, step=step)

    def text(self, name: str, text: str) -> None:
        self.run.log({name: trackio.Markdown(text)})

    def picture(self, name: str, file: Path) -> None:
        self.run.log({f"pictures/{name}": trackio.Image(str(file))})

    def file(self, file: Path) -> None:
        self.run.log_artifact(str(file), name=f"{self.run.name}-{file.name}", type=file.suffix[1:])

    def close(self, *, finished: bool) -> None:
        self.run.finish()


def open_sink(about: About) -> Trackio:
    return Trackio(about)
