"""Refuses arguments that a meter or a batcher cannot work with, before anything waits for it."""


def require_pool(pool: object) -> None:
    """Refuses what lends no connections: found out later, it would keep everything waiting.

    Raises:
        TypeError: It has no method ``connection``.
    """
    if not callable(getattr(pool, "connection", None)):
        raise TypeError(
            f"pool must have a method connection(), as a psycopg_pool.ConnectionPool has, "
            f"not {type(pool).__name__}"
        )


def require_text(name: str, text: object) -> None:
    """Refuses what is not a text.

    Raises:
        TypeError: It is not a str.
    """
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a str, not {type(text).__name__} {text!r}")


def require_count(name: str, number: object, most: int | None) -> None:
    """Refuses what is not a number from 1 on.

    Raises:
        TypeError: It is not an int.
        ValueError: It is less than 1, or more than the most that may be.
    """
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError(f"{name} must be an int, not {type(number).__name__} {number!r}")
    if number < 1 or (most is not None and number > most):
        limits = "at least 1" if most is None else f"from 1 to {most}"
        raise ValueError(f"{name} must be {limits}, not {number}")
