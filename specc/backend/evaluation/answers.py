"""Answers of a model that are not finite numbers. No torch here."""

from specc.errors import SpeccError


def not_finite(what: str, where: str) -> SpeccError:
    """E465 for a model whose answer to something, in words, is infinite or no number. where: in which layer first."""
    lines = [f"the model's answer to {what} is not a finite number", *([f"it began {where}"] if where else [])]
    help = "its numbers grow too large, or its weights are damaged; train it again with `clip = 1`, or with norms"
    return SpeccError("E465", lines, help=help, status=1)
