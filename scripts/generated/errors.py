"""Writes ``pgledger/errors.py``: a class for each registered error."""

import re
from collections.abc import Mapping, Sequence

from scripts.generated.catalog import Error
from scripts.generated.parts import HEADER
from scripts.generated.words import Words, block


def errors_module(errors: Sequence[Error], calls: Mapping[str, str]) -> str:
    words = Words(calls, "")
    names = ", ".join(f'"{name}"' for name in sorted(["PgledgerError", *(e.name for e in errors)]))
    return f'''{HEADER}
"""The errors of pgledger, one class for each SQLSTATE of class ``LG``.

The database raises them; importing this module registers the classes with psycopg, so they arrive
from a raw ``conn.execute`` as well as from a :class:`~pgledger.Ledger` or
:class:`~pgledger.Billing`. The message names the ids and values concerned,
``error.diag.message_hint`` says what to do, and ``error.sqlstate`` is the code. ``str(error)`` is
the message, the detail and the hint, a line each; where in the database it was raised is in
``error.diag.context``. The database lists them all in the view ``pgledger_errors_v1``.

No error of this module is cured by running the same transaction again at once. Those that are are
PostgreSQL's own, and pass through unchanged: 40001 (serialization failure), 40P01 (deadlock) and
55P03 (lock not available); :func:`pgledger.run_transaction` retries those.

Like any error raised in the database, these abort the transaction. To go on after a refusal, make
the call inside a savepoint: ``with conn.transaction(): ...``.
"""

from psycopg import DatabaseError

__all__ = [{names}]


class PgledgerError(DatabaseError):
    """Any refusal by pgledger: catch it to catch them all."""

    def __str__(self) -> str:
        """Returns message, detail and hint, without the lines about functions of the database."""
        message = self.diag.message_primary
        if message is None:
            return super().__str__()
        lines = [message]
        if self.diag.message_detail is not None:
            lines.append(f"DETAIL:  {{self.diag.message_detail}}")
        if self.diag.message_hint is not None:
            lines.append(f"HINT:  {{self.diag.message_hint}}")
        return "\\n".join(lines)

    def __repr__(self) -> str:
        """Returns the class and what ``str`` says."""
        return f"{{type(self).__name__}}({{str(self)!r}})"
''' + "".join(error_class(error, words) for error in errors)


def error_class(error: Error, words: Words) -> str:
    first, *rest = re.split(r"(?<=\.)\s", error.meaning, maxsplit=1)
    text = words.pythonic(first)
    if rest and len(text) + len(rest[0]) > 88:
        more = block(words.pythonic(rest[0]), "    ") if rest else ""
        doc = f"{text}\n\n{more}\n    " if more else text
    else:
        doc = " ".join([text, *(words.pythonic(one) for one in rest)])
    return f'''

class {error.name}(PgledgerError, code="{error.code}"):
    """{doc}"""
'''
