"""A checked network as stand-alone PyTorch source that reads as if written by hand.

Graph to nested calls (`scopes`), those to classes (`classes`) with constructor arguments (`arguments`), and each class
to text (`source`, `forward`). No torch here: what a layer becomes is data.
"""

from specc.emit.source import emit

__all__ = ["emit"]
