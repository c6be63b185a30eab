"""`python -m specc.cli.search_worker ABOUT`: a worker of `specc search`, which starts it and talks to it in JSON."""

import json
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import Any

from specc.check import Checked
from specc.cli.trainings import Trainings
from specc.plugins import load_words
from specc.reading import check_spec, read_source
from specc.source import Source


def main(about: dict[str, Any]) -> int:
    """Train what comes in. about: `spec`, `place`, `data_dir`, `device`, `subset`, `command`."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    from specc.backend.data.datasets import DataSets
    from specc.backend.data.progress import hidden
    from specc.backend.search.worker import Bench, connected, serve

    line = connected()
    load_words()
    spec, place = Path(about["spec"]), Path(about["place"])
    data_dir = Path(about["data_dir"]) if about["data_dir"] else None
    trainings = Trainings(about["device"], data_dir, spec.parent, about["command"], about["subset"])
    source = read_source(spec)
    with hidden(True):
        bench = Bench(place, partial(_checked, source, data_dir), DataSets(data_dir, spec.parent), trainings)
        return serve(line, bench)


def _checked(source: Source, data_dir: Path | None, sets: tuple[str, ...]) -> Checked:
    return check_spec(source, data_dir=data_dir, sets=sets)


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
