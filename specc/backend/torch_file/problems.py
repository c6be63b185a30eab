"""Why a file is not read; whoever opens it adds its path, a code and a help line."""


class Damaged(Exception):
    """The file contradicts itself, or ends too early. The message completes "FILE …"."""


class Refused(Exception):
    """The file asks for something that is neither a tensor nor a plain value. The message completes "FILE …"."""
