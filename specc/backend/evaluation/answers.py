"""Outputs of a model that are infinite or NaN. No torch here."""

from specc.errors import SpeccError


def not_finite(what: str, where: str) -> SpeccError:
    """E465: a model's output for something, in words, is infinite or NaN. where: in which layer it began, in words."""
    lines = [f"the model's output for {what} is not finite", *([f"it first appeared {where}"] if where else [])]
    help = "activations overflow, or the weights are damaged; train again with `clip = 1` or with normalization layers"
    return SpeccError("E465", lines, help=help, status=1)
