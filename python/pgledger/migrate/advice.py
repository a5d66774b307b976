"""What deserves attention about who else gets at an installation: sql/install/read_advice.sql."""

from collections.abc import Sequence
from typing import Final

from .install import install_sql
from .session import Cursor, fetch
from .sqltext import identifier

_SHOWN: Final = 5


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")


def circle_of_trust(database: str) -> str:
    """Returns what has to be known where pgledger's roles are made."""
    return (
        "pgledger's roles belong to the whole server: who may post, read or own a ledger in one of "
        "its databases may do so in every other that has these roles and lets them connect. "
        f"{_remedy(database)} Or install with --no-roles."
    )


def _remedy(database: str) -> str:
    name = identifier(database)
    return (
        "Unless all of them are one circle of trust, run: "
        f"revoke connect on database {name} from public; "
        f"and grant connect on database {name} to each role that works there."
    )


def read_advice(cursor: Cursor, database: str, surface: str) -> tuple[str, ...]:
    """Returns sentences about what deserves attention, with what to do."""
    rows = fetch(cursor, install_sql("read_advice.sql", surface=surface))
    return tuple(_sentence(topic, names, database, surface) for topic, names in rows)


def _sentence(topic: str, names: Sequence[str], database: str, surface: str) -> str:
    if topic == "server":
        return (
            f"everybody may connect to the database {database}, and pgledger's roles are used in "
            f"other databases of this server: {_list(names)}. {_remedy(database)}"
        )
    if topic == "surface":
        schema = identifier(surface)
        if list(names) == ["PUBLIC"]:
            return (
                f"everybody may make functions in the schema {schema}, also some with pgledger's "
                f"names that fit a call better. Run: revoke create on schema {schema} from public"
            )
        return (
            f"the schema {schema} belongs to {_list(names)}, who could drop pgledger's functions "
            "and put others in their place. Run: "
            f"alter schema {schema} owner to pg_database_owner"
        )
    return (
        f"{_list(names)} may read every table (pg_read_all_data), but row security hides rows of "
        "pgledger's: pg_dump fails, and with --enable-row-security leaves them out. For a role "
        "that makes backups, have a superuser run what this prints: "
        f"pgledger roles --backup {names[0]}"
    )
