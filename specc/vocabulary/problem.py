"""What a layer or component raises where its input or arguments do not fit."""

from specc.vocabulary.shape import Shape


class Problem(Exception):
    """A layer does not fit its input. `param` names the argument at fault, `help` says how to fix it.

    shape: what flows out once that argument is changed, where it does not depend on how.
    """

    def __init__(self, code: str, message: str, *, param: str = "", help: str = "", shape: Shape | None = None) -> None:
        super().__init__(message)
        self.shape = shape
        self.code, self.message, self.param, self.help = code, message, param, help
