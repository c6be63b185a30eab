"""What a word of the vocabulary raises where it does not fit where it stands."""


class Problem(Exception):
    """A layer does not fit where it stands. `param` names the argument at fault, `help` says how to mend it."""

    def __init__(self, code: str, message: str, *, param: str = "", help: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.param, self.help = code, message, param, help
