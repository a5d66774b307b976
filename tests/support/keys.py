"""What the model and the machine of the random histories know of idempotency keys."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from pgledger import Account, Hold, Transfer
from pgledger.errors import IdempotencyConflict
from support.model import Opening, Refusal, Request, decimal_of, decoded

# Which key a call gives: none, a new one, or one that another call has used.
kinds = st.sampled_from(("", "", "new", "new", "new", "other"))
TRANSFER = "pgledger_create_transfer"
TRANSFER_BY_NAME = "pgledger_create_transfer_by_name"
AMOUNT = re.compile(r"-?\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Use:
    """What a key was used for, by value and in the words that were sent, and what came of it."""

    function: str
    asked: tuple[Any, ...]
    query: str
    arguments: tuple[Any, ...]
    at: datetime
    # None if nothing was moved.
    result_id: str | None
    request: Request | None = None
    group_id: str | None = None


def transfer_asked(request: Request, group_id: str | None) -> tuple[Any, ...]:
    """Returns what a request for a transfer asks for, by value."""
    spans = (request.require_from_balance, request.require_to_balance)
    return (
        *(request.from_account_id, request.to_account_id),
        decimal_of(request.amount),
        request.event_at.at if request.event_at else None,
        *(decoded(request.metadata), request.id, group_id),
        *(request.require_from_version, request.require_to_version),
        *(None if span is None else span.value for span in spans),
    )


def account_asked(opening: Opening) -> tuple[Any, ...]:
    """Returns what a request for an account asks for, by value."""
    return (
        *(opening.name, opening.currency, opening.limits, decoded(opening.metadata)),
        *(opening.id, opening.tenant_id),
    )


def reworded(arguments: tuple[Any, ...]) -> list[Any]:
    """Returns the same arguments, by value, with other zeros at the ends of amounts."""
    return [
        value + ("00" if "." in value else ".0")
        if isinstance(value, str) and AMOUNT.fullmatch(value)
        else value
        for value in arguments
    ]


class KeyUser:
    """How the rules of the machine give keys, and what they make of answers to repeats."""

    model: Any
    chosen: int
    is_sound: bool
    call: Any

    def key_for(self, kind: str, app_id: str | None) -> str | None:
        """Returns a key of that kind, or none."""
        if not kind:
            return None
        known = [key for app, key in self.model.keys if app == app_id]
        if kind == "other" and known:
            return str(known[-1 - self.chosen % len(known)])
        self.chosen += 1
        return f"evt {self.chosen}"

    def used(
        self, key: str | None, app_id: str | None, function: str, asked: tuple[Any, ...]
    ) -> Use | Refusal | None:
        """Returns what a key was used for, what it is refused with, or None if it is free."""
        use: Use | None = self.model.keys.get((app_id, key))
        if use is None or (use.function, use.asked) == (function, asked):
            return use
        return Refusal(IdempotencyConflict)

    def remember(
        self,
        key: str | None,
        app_id: str | None,
        function: str,
        asked: tuple[Any, ...],
        sent: tuple[str, Any],
        result_id: str | None,
        *,
        request: Request | None = None,
        group_id: str | None = None,
    ) -> None:
        """Takes in that a call with a key was made for the first time."""
        if key is not None:
            query, arguments = sent
            self.model.keys[app_id, key] = Use(
                *(function, asked, query, tuple(arguments), self.model.now, result_id),
                *(request, group_id),
            )

    def use_again(self, place: int, way: str) -> None:
        """Makes a call again: one of all or the last one, by value, or under the key of another.

        Whatever has become of what it made since.
        """
        keys: dict[tuple[str, str], Use] = self.model.keys
        if not keys:
            return
        # Each function in its turn, however many keys each has.
        by_function: dict[str, list[tuple[tuple[str, str], Use]]] = {}
        for item in keys.items():
            by_function.setdefault(item[1].function, []).append(item)
        functions = list(by_function.values())
        items = functions[place % len(functions)]
        (app_id, key), use = items[-1 - place // len(functions) % len(items)]
        if way == "last":
            (app_id, key), use = next(reversed(keys.items()))
        other = key
        # By name another request is refused for its names first, and those may have changed.
        if way == "other" and use.function != TRANSFER_BY_NAME:
            others = [one for app, one in keys if app == app_id]
            other = others[place % len(others)]
        arguments = reworded(use.arguments) if way == "reworded" else [*use.arguments]
        arguments = [other if value == key else value for value in arguments]
        # A single call names no group.
        asked = use.asked if use.request is None else transfer_asked(use.request, None)
        expected = self.used(other, app_id, use.function, asked)
        rows = self.call(expected, use.query, arguments, what=use.function, key=other)
        if rows is not None:
            assert isinstance(expected, Use)
            self.take_replay(expected, rows)

    def take_replay(self, use: Use, rows: list[Any]) -> None:
        """Asserts that a repeat was answered with what the first call came to, as it is now."""
        result_id = use.result_id
        if result_id is None:
            assert rows == []
        else:
            (row,) = rows
            answer: Any
            expected: Any
            if result_id.startswith("pglt_"):
                answer, expected = Transfer(*row), self.model.records[result_id].transfer
            elif result_id.startswith("pglh_"):
                answer, expected = Hold(*row), self.model.holds[result_id].at(self.model.now)
            else:
                answer, expected = Account(*row), self.model.accounts[result_id]
            assert answer == expected
            assert answer.replayed is True
        self.is_sound = True
