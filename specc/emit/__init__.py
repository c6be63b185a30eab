"""A checked network as PyTorch source that stands by itself and reads as if written by hand.

Graph to nested calls (`scopes`), those to classes (`classes`) with constructor arguments (`arguments`), and each class
to text (`source`, `forward`). No torch here: what a layer becomes is data.
"""

from specc.emit.source import emit

__all__ = ["emit"]
