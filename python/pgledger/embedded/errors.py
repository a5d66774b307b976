"""What goes wrong with an embedded server."""


class EmbeddedError(Exception):
    """The embedded server is not installed, or cannot be started as it was asked for.

    Attributes:
        message: What is wrong, in one line or with the end of the server's log.
        hint: What to do about it; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}\n{hint}" if hint else message)
        self.message = message
        self.hint = hint
