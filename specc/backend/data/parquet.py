"""Parquet files, where pyarrow is installed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from specc.backend.data.memory import free_memory
from specc.backend.data.places import damaged, unreadable
from specc.backend.data.table import Table, find_columns
from specc.backend.foreign import LOOKED_AT, described
from specc.errors import SpeccError, clean
from specc.files import open_file

MARK = b"PAR1"
PLAIN = "the columns hold texts, whole numbers, numbers or truth values"


def read_parquet(path: Path, wanted: Sequence[str]) -> Table:
    """The wanted columns, as texts.

    Raises SpeccError: E402 what is no Parquet file, or a damaged one; E410 one that may not be read; E413 columns that
    are not there, or hold other things than texts and numbers; E417 no pyarrow; E479 too little memory.
    """
    with _opened(path) as (parquet, types):
        schema = parquet.schema_arrow
        find_columns(path, schema.names, wanted)
        for name in wanted:
            kind = schema.field(name).type
            if not _is_plain(kind, types):
                message = clean(f"the column `{name}` of {path} holds {kind}")
                raise SpeccError("E413", message, help=PLAIN, status=1)
        groups = [parquet.metadata.row_group(number) for number in range(parquet.metadata.num_row_groups)]
        need = sum(group.total_byte_size for group in groups)
        if need > free_memory():
            found = clean(f"{path} would take {need:,} bytes of memory; {free_memory():,} are free")
            raise SpeccError("E479", found, help="drop the columns that are not used")
        read = parquet.read(columns=list(wanted))
    columns = {name: [_text(value) for value in read.column(name).to_pylist()] for name in wanted}
    return Table(path, columns, range(1, read.num_rows + 1), "row")


def parquet_header(path: Path) -> list[str]:
    """The names of the columns that can be read. Raises SpeccError as `read_parquet` does."""
    with _opened(path) as (parquet, types):
        return [field.name for field in parquet.schema_arrow if _is_plain(field.type, types)]


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """The file, and pyarrow's tests of types; whatever goes wrong with either, as SpeccError."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        help = 'pip install "specc-cnn[parquet]", or save the table as a CSV file'
        raise SpeccError("E417", clean(f"{path} is a Parquet file, which only pyarrow reads"), help=help) from None
    try:
        with open_file(path) as file:
            start = file.read(LOOKED_AT)
            if not start.startswith(MARK):
                raise damaged(path, f"is not a Parquet file: {described(start) if start else 'it is empty'}")
            file.seek(0)
            yield pq.ParquetFile(file), pa.types
    except (pa.ArrowException, ValueError) as error:
        raise damaged(path, f"is not a sound Parquet file: {str(error).splitlines()[0]}") from None
    except OSError as error:
        if error.errno is None:  # of Arrow, not of the system
            raise damaged(path, f"is not a sound Parquet file: {str(error).splitlines()[0]}") from None
        raise unreadable(path, error) from None


def _is_plain(kind: Any, types: Any) -> bool:
    """Whether a column holds texts, numbers or truth values: no lists, structures, bytes, times."""
    kind = kind.value_type if types.is_dictionary(kind) else kind
    tests = (types.is_string, types.is_large_string, types.is_integer, types.is_floating, types.is_boolean)
    return any(test(kind) for test in tests) or bool(types.is_null(kind))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
