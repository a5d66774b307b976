"""How the command line ends where it cannot do what it is asked."""


class Failure(Exception):
    """Ends the command with a message and a hint."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
