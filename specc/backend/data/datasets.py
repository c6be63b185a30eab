"""The data sets of several specs, each loaded once."""

from functools import lru_cache
from pathlib import Path

from specc.backend.data.dataset import DataSet, dataset_key, load
from specc.tricks.sections import DataSettings

KEPT = 4


class DataSets:
    """Loads data sets without their test part, and keeps the latest ones.

    data_dir: looked into first. base: the folder that relative paths start from.
    """

    def __init__(self, data_dir: Path | None, base: Path) -> None:
        self.data_dir, self.base = data_dir, base
        self._sections: dict[str, DataSettings] = {}
        self._loaded = lru_cache(maxsize=KEPT)(self._load)

    def of(self, data: DataSettings) -> DataSet:
        """The data set of a section `data`. Raises SpeccError E401 and on from the data."""
        key = dataset_key(data)
        self._sections[key] = data
        return self._loaded(key)

    def _load(self, key: str) -> DataSet:
        return load(self._sections[key], data_dir=self.data_dir, base=self.base)
