"""Rows of named values, as data frames take them."""

from typing import Any

from specc.api.notebook import block, table


class Table(list[dict[str, Any]]):
    """Rows, each a dictionary with the columns' names: `pandas.DataFrame(table)` takes it as it is."""

    @property
    def columns(self) -> list[str]:
        """The names of all columns, in the order in which rows have them."""
        return list(dict.fromkeys(name for row in self for name in row))

    def column(self, name: str) -> list[Any]:
        """One column; None where a row has no such value. Raises KeyError where no row has it."""
        if name not in self.columns:
            raise KeyError(f"there is no column {name!r}; there are {', '.join(self.columns)}")
        return [row.get(name) for row in self]

    def _repr_html_(self) -> str:
        return block(as_html(self))


def as_html(rows: Table) -> str:
    """A table as a part of what something else shows in a notebook; of many rows the last ones."""
    cells = [[_cell(row.get(name)) for name in rows.columns] for row in rows]
    kinds = [[isinstance(row.get(name), int | float) for row in rows] for name in rows.columns]
    return table(rows.columns, cells, {place for place, column in enumerate(kinds) if any(column)}, is_end=True)


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
