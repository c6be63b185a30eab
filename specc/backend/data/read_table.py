"""A table is read: CSV, or Parquet, which its name tells."""

from collections.abc import Sequence
from pathlib import Path

from specc.backend.data.delimited import delimited_header, read_delimited
from specc.backend.data.parquet import parquet_header, read_parquet
from specc.backend.data.table import Table
from specc.errors import SpeccError, clean, counted

PARQUET = (".parquet", ".pq")


def read_table(path: Path, wanted: Sequence[str]) -> Table:
    """The wanted columns of a table, without the spaces around their texts.

    Raises SpeccError: E402 what is no table, or a damaged one; E410 one that may not be read; E413 columns that are not
    there, or are there twice, no rows; E417 no pyarrow; E479 too little memory.
    """
    table = read_parquet(path, wanted) if path.suffix.lower() in PARQUET else read_delimited(path, wanted)
    if not table.rows:
        raise SpeccError("E413", clean(f"{path} has no rows"), help="a row for each image", status=1)
    return _stripped(table)


def read_header(path: Path) -> list[str]:
    """The names of a table's columns: for Parquet, of those that hold texts, numbers or truth values.

    Raises SpeccError as `read_table` does.
    """
    return parquet_header(path) if path.suffix.lower() in PARQUET else delimited_header(path)


def _stripped(table: Table) -> Table:
    """The table without the spaces around its texts; and says so."""
    count, columns = 0, {}
    for name, cells in table.columns.items():
        columns[name] = [cell.strip() for cell in cells]
        count += sum(len(old) != len(new) for old, new in zip(cells, columns[name], strict=True))
    notes = (f"spaces around {counted(count, 'cell')} of {clean(table.path.name)} are left out",) if count else ()
    return table._replace(columns=columns, notes=(*table.notes, *notes))
