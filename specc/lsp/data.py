"""What the server hangs on an item of an answer, and the client sends back when it asks for more about that item."""

from typing import Any


def sent_back(data: Any, name: str) -> str:
    """A text by its name; "" where the client sends back something else."""
    value = data.get(name) if isinstance(data, dict) else None
    return value if isinstance(value, str) else ""
