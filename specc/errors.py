"""The one exception that a user's situation may raise: no traceback, a code, a help line, an exit status."""


class SpeccError(Exception):
    """Something that the user can mend, outside the spec: files, data, devices, runs.

    code: E4xx. status: 1 where the user's input is wrong, 2 where the command could not do its work.
    """

    def __init__(self, code: str, message: str, *, help: str = "", status: int = 2) -> None:
        super().__init__(message)
        self.code, self.message, self.help, self.status = code, message, help, status
