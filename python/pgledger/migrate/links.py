"""Roles whose tables may refer to accounts."""

import os
from collections.abc import Sequence
from typing import Final

from .install import install_sql
from .results import MigrationError
from .session import Cursor, fetch
from .sqltext import identifier

# Set to 1, it says: linked roles are trusted with all that the ledger's owner may do.
TRUST_VARIABLE: Final = "PGLEDGER_TRUST_LINKED"


def as_names(link: str | Sequence[str] | None) -> tuple[str, ...]:
    """Returns the roles to link, each once."""
    if link is None:
        return ()
    return (link,) if isinstance(link, str) else tuple(dict.fromkeys(link))


def unlinked_roles(cursor: Cursor, roles: Sequence[str]) -> list[str]:
    """Returns those of the roles that do not have a grant of both privileges of their own."""
    if not roles:
        return []
    # For each of the roles that exists: whether it has both.
    linked: dict[str, bool] = dict(fetch(cursor, install_sql("read_linked.sql", roles=roles)))
    unknown = [role for role in roles if role not in linked]
    if unknown:
        raise MigrationError(
            f"there is no role named {', '.join(unknown)} to link",
            "Create it first: --link names the role that owns your application's tables.",
        )
    left = [role for role in roles if not linked[role]]
    if left:
        _require_trust(left)
    return left


def _require_trust(roles: Sequence[str]) -> None:
    """Refuses a link to which nobody said that the role may do all that the ledger's owner can.

    A foreign key is checked with the rights of the owner of the table that it points at. The role
    that makes it may give its column a type with a cast of its own, whose function the owner then
    runs. PostgreSQL 18 refuses most such types, but not an array of a domain. So on every version
    a role that may refer to accounts can do everything that their owner can.
    """
    if os.environ.get(TRUST_VARIABLE) == "1":
        return
    raise MigrationError(
        f"a role that may refer to accounts can act as their owner, so {', '.join(roles)} could "
        "rewrite balances and transfers without a trace: it may give its foreign key a type whose "
        "cast the owner then runs",
        "Store account ids without a foreign key. For a role that you trust with everything that "
        f"the ledger's owner may do, set {TRUST_VARIABLE}=1.",
    )


def link_sql(role: str) -> str:
    """Returns what lets a role's tables refer to accounts."""
    name = identifier(role)
    return (
        f"grant usage on schema pgledger to {name};"
        f" grant references (id) on table pgledger.accounts to {name}"
    )
