"""The environment that PostgreSQL's programs run in."""

import os


def environment_without_libpq() -> dict[str, str]:
    """Returns this process's environment without variables that libpq's programs connect by."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def server_environment() -> dict[str, str]:
    """Returns the environment for the server: a fixed locale, and no variables of libpq."""
    environment = {
        name: value
        for name, value in environment_without_libpq().items()
        if not name.startswith("LC_") and name not in {"LANG", "LANGUAGE"}
    }
    environment["LC_ALL"] = "C"
    return environment
