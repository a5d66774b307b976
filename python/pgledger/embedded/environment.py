"""The environment that PostgreSQL's programs run in."""

import os


def environment_without_libpq() -> dict[str, str]:
    """Returns this process's environment without what would lead libpq's programs elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def server_environment() -> dict[str, str]:
    """Returns the environment for the server: one locale for all, and nothing of libpq."""
    environment = {
        name: value
        for name, value in environment_without_libpq().items()
        if not name.startswith("LC_") and name not in {"LANG", "LANGUAGE"}
    }
    environment["LC_ALL"] = "C"
    return environment
