"""A study in Python: its figures as a table, and its learning curves."""

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specc.api.help import with_help
from specc.api.notebook import block, fold, paragraph, table
from specc.api.table import Table
from specc.errors import SpeccError
from specc.files import parse_json, read_file, reason
from specc.report.study import RIGHT, notes, study_rows

STUDY, CURVES = "study.json", "curves.svg"


class Study:
    """A study on disk, whole or stopped. info: all that study.json holds."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.info: Mapping[str, Any] = _read(self.path / STUDY)

    @property
    def table(self) -> Table:
        """A row for each variant: name, what it extends, runs, figures, gain and time, as `specc study` prints them."""
        head, *rows = study_rows(dict(self.info))
        return Table(dict(zip(head, row, strict=True)) for row in rows)

    def __repr__(self) -> str:
        state = "finished" if self.info["finished"] else "not finished"
        return f"<specc.Study {self.path}: {len(self.info['variants'])} variants, {state}>"

    def _repr_html_(self) -> str:
        head, *rows = study_rows(dict(self.info))
        parts = [paragraph(repr(self)), table(head, rows, RIGHT), *map(paragraph, notes(dict(self.info)))]
        if (curves := self.path / CURVES).is_file():
            data = base64.b64encode(read_file(curves)).decode()
            parts.append(fold("Learning curves", f'<img alt="learning curves" src="data:image/svg+xml;base64,{data}">'))
        return block(*parts)


@with_help()
def open_study(path: str | os.PathLike[str]) -> Study:
    """The study in a folder, such as `studies/net`. Raises SpeccError E439 where there is none."""
    return Study(Path(path))


def _read(file: Path) -> dict[str, Any]:
    help = "give the folder of a study: specc study net.cnn writes studies/net"
    try:
        info = parse_json(read_file(file))
        study_rows(info)
        notes(info)
    except FileNotFoundError:
        raise SpeccError("E439", f"there is no study in {file.parent}", help=help) from None
    except (OSError, ValueError) as error:
        raise SpeccError("E439", f"{file} cannot be read: {reason(error)}", help=help) from None
    except (KeyError, TypeError, AttributeError, IndexError):
        raise SpeccError("E439", f"{file} holds something else than a study", help=help) from None
    return dict(info)
