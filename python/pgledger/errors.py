# Written by scripts/build_catalog.py from the comments in sql/: change those.

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

__all__ = [
    "AccountAheadOfClock",
    "AccountAmbiguous",
    "AccountClosed",
    "AccountFrozen",
    "AccountNotEmpty",
    "AccountNotFound",
    "ActiveSubscriptionExists",
    "AdvanceTooFar",
    "AlreadyExists",
    "Archived",
    "BalanceConditionFailed",
    "BalanceOutOfRange",
    "BatchTooLarge",
    "CouponExhausted",
    "CouponNotFound",
    "CouponNotValid",
    "CurrencyMismatch",
    "CursorNotFound",
    "EventAtInFuture",
    "FeatureNotFound",
    "HoldAmountExceeded",
    "HoldEnded",
    "HoldExpired",
    "HoldNotFound",
    "IdempotencyConflict",
    "ImmutableRecord",
    "ImportRefused",
    "InUse",
    "InsufficientFunds",
    "InvalidAmount",
    "InvalidArgument",
    "InvalidBatch",
    "InvalidCurrency",
    "InvalidId",
    "InvalidIdPrefix",
    "InvalidInvoice",
    "InvalidMetadata",
    "InvalidName",
    "InvalidPage",
    "InvalidPlan",
    "InvalidQuantity",
    "InvalidScope",
    "InvalidState",
    "InvalidTime",
    "InvoiceNotFound",
    "LimitAlreadyBroken",
    "NullArgument",
    "PeriodClosed",
    "PgledgerError",
    "PlanNotFound",
    "PositiveBalanceNotAllowed",
    "ReversalExceeded",
    "SameAccount",
    "SubscriptionNotFound",
    "TransferNotFound",
    "TransferReversed",
    "UnknownCurrency",
    "UnknownTimeZone",
    "UsageInFuture",
    "UsageNotFound",
    "UsagePurged",
    "VersionMismatch",
]


class PgledgerError(DatabaseError):
    """Any refusal by pgledger: catch it to catch them all."""

    def __str__(self) -> str:
        """Returns message, detail and hint, without the lines about functions of the database."""
        message = self.diag.message_primary
        if message is None:
            return super().__str__()
        lines = [message]
        if self.diag.message_detail is not None:
            lines.append(f"DETAIL:  {self.diag.message_detail}")
        if self.diag.message_hint is not None:
            lines.append(f"HINT:  {self.diag.message_hint}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Returns the class and what ``str`` says."""
        return f"{type(self).__name__}({str(self)!r})"


class InvalidId(PgledgerError, code="LG001"):
    """An id is malformed; the message says how.

    An id is a prefix, an underscore and a ULID: 26 characters out of 0-9 and A-Z without I, L, O
    and U, the first at most 7. Pass ids on exactly as they were received. In Python, pgledger.ids
    raises it too, without asking a database.
    """


class InvalidIdPrefix(PgledgerError, code="LG002"):
    """A prefix to make ids with is not 1 to 16 lower-case letters a-z. Choose another."""


class NullArgument(PgledgerError, code="LG003"):
    """An argument that has to be given is None. Give it, or leave it out to get its default."""


class InvalidName(PgledgerError, code="LG004"):
    """An account's name is empty, cannot be seen, or has more than 255 characters."""


class InvalidCurrency(PgledgerError, code="LG005"):
    """A currency is not 1 to 32 visible characters without spaces. Use a code such as USD."""


class InvalidScope(PgledgerError, code="LG006"):
    """An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be seen.

    In the billing store, neither ``app_id`` nor ``tenant_id`` may be empty.
    """


class InvalidMetadata(PgledgerError, code="LG007"):
    """Metadata is not a JSON object, or is too large or too deep.

    It has at most 65536 bytes, 64 levels, and numbers of at most 308 digits. Store large things
    elsewhere and a reference to them here.
    """


class InvalidTime(PgledgerError, code="LG008"):
    """A time is infinite or outside the years 1 to 9999. Give one inside."""


class EventAtInFuture(PgledgerError, code="LG009"):
    """``event_at`` is more than a day ahead.

    Usually a mistaken unit or time zone. Where it is meant, call with
    ``allow_future_event_at=True``.
    """


class InvalidAmount(PgledgerError, code="LG010"):
    """An amount is not above 0 and below 1e30 with at most 18 decimal places.

    To move money the other way, swap the accounts.
    """


class SameAccount(PgledgerError, code="LG011"):
    """A transfer goes from an account to itself. Give two different accounts."""


class InvalidBatch(PgledgerError, code="LG012"):
    """The arrays of a batch are None, not one-dimensional, or of unequal length.

    Comes from SQL only: Python always sends well-formed arrays.
    """


class BatchTooLarge(PgledgerError, code="LG013"):
    """More than 100,000 requests in one call, or more than 64 MiB of metadata.

    Split them into several calls, in one transaction if they belong together.
    """


class InvalidPage(PgledgerError, code="LG014"):
    """A page was asked for with a size outside 1 to 10,000, or with a wrong start.

    ``after_version`` is the ``account_version`` of the last entry of the page before;
    ``page_offset`` counts rows to leave out, from 0.
    """


class AccountNotFound(PgledgerError, code="LG020"):
    """There is no account of this id under this ``app_id``.

    Check both. Or there is none of this name, currency, ``tenant_id`` and ``app_id``.
    """


class TransferNotFound(PgledgerError, code="LG021"):
    """There is no transfer of this id under this ``app_id``. Check both."""


class CurrencyMismatch(PgledgerError, code="LG022"):
    """A transfer joins accounts of different currencies.

    An exchange is two transfers in one call, each within its own currency, through accounts that
    hold the liquidity of both.
    """


class IdempotencyConflict(PgledgerError, code="LG023"):
    """An id or a key chosen by the caller is already taken by a different request.

    Send exactly the same request to get its first result again, or choose a new one.
    """


class InsufficientFunds(PgledgerError, code="LG024"):
    """A transfer would leave an account below its lower limit, for example below zero.

    Move less, or move money into the account first.
    """


class PositiveBalanceNotAllowed(PgledgerError, code="LG025"):
    """A transfer would leave an account above its upper limit, for example above zero.

    Move less, or move money out of the account first.
    """


class BalanceOutOfRange(PgledgerError, code="LG026"):
    """A transfer would bring a balance to 1e30 or beyond, or to -1e30 or beyond."""


class AccountAheadOfClock(PgledgerError, code="LG027"):
    """The newest time on an account is more than a day ahead of the clock.

    Either the clock is wrong now, or it was when that time was recorded, and a transfer would carry
    the time to the other account. Put the clock right, or have the owner of pgledger accept the
    time with :meth:`pgledger.Ledger.accept_time`.
    """


class AccountFrozen(PgledgerError, code="LG028"):
    """A transfer would take from or give to an account that is frozen for that.

    Use another account, or have it unfrozen.
    """


class AccountClosed(PgledgerError, code="LG029"):
    """A transfer would take from or give to an account that is closed. Use another account."""


class ImmutableRecord(PgledgerError, code="LG030"):
    """Somebody tried to change or delete what was recorded.

    Correct a transfer with another transfer.
    """


class AccountAmbiguous(PgledgerError, code="LG032"):
    """Several accounts of this app, tenant and currency have this name.

    Use the id of the one that is meant.
    """


class LimitAlreadyBroken(PgledgerError, code="LG035"):
    """A new limit is broken already by what the account holds.

    Move money first, or call with ``allow_existing=True``; then only transfers that bring the
    account nearer to the limit pass.
    """


class AccountNotEmpty(PgledgerError, code="LG036"):
    """An account is to be closed that has a balance or open holds.

    Move the balance away, or close it with ``sweep_to``; post or void its holds first.
    """


class HoldNotFound(PgledgerError, code="LG040"):
    """There is no hold of this id under this ``app_id``. Check both."""


class HoldEnded(PgledgerError, code="LG041"):
    """A hold that was posted or voided is to be posted, voided or extended.

    It ends once: what else is to move is another hold or a transfer.
    """


class HoldExpired(PgledgerError, code="LG042"):
    """A hold that has expired is to be posted, voided or extended.

    What it kept back is free: make another hold, or a transfer.
    """


class HoldAmountExceeded(PgledgerError, code="LG043"):
    """More is to be posted of a hold than is left of it; the message says both.

    Post at most that, and move the rest by a transfer.
    """


class VersionMismatch(PgledgerError, code="LG050"):
    """A transfer requires a version that an account does not have.

    Somebody used the account since it was read: read it again, decide again, and require the
    version that it has then.
    """


class BalanceConditionFailed(PgledgerError, code="LG051"):
    """A transfer requires that a balance after it lies in a range, and it would not.

    Move another amount, or require another range.
    """


class TransferReversed(PgledgerError, code="LG055"):
    """All of a transfer has been reversed already.

    Nothing more can be given back of it: what else is to move is a transfer of its own.
    """


class ReversalExceeded(PgledgerError, code="LG056"):
    """More of a transfer is to be reversed than is left of it; the message says both.

    Reverse at most that, and move the rest by a transfer.
    """


class PeriodClosed(PgledgerError, code="LG060"):
    """The books are closed until a time, and ``event_at`` lies before it; the message says both.

    Give a later ``event_at``, or none, or let someone who may reopen the period with
    :meth:`pgledger.Ledger.reopen_period`.
    """


class CursorNotFound(PgledgerError, code="LG061"):
    """The database does not have the block that a cursor of changes names.

    It was read in a transaction that was rolled back, or the database was restored to an earlier
    time. Go on after a cursor from before that, or read all from the beginning.
    """


class ImportRefused(PgledgerError, code="LG065"):
    """History from elsewhere cannot be imported as it is, and nothing of it was.

    :meth:`pgledger.Ledger.import_faults` lists what is wrong. Put it right where it comes from, and
    import again.
    """


class InvalidArgument(PgledgerError, code="LG101"):
    """An argument is not one of the values or forms it can have; the message says which.

    A status, an aggregation, a key, a slug, a time zone, a number of trial days and the like.
    """


class InvalidPlan(PgledgerError, code="LG102"):
    """A plan's features or pricing are not valid.

    The message names the JSON path of what is wrong, for example
    $.pricing.prices[0].tiers[1].up_to, and says why.
    """


class UnknownCurrency(PgledgerError, code="LG103"):
    """A currency is neither of ISO 4217 nor defined by the app.

    Define one of the app's own with :meth:`pgledger.Billing.set_currency`.
    """


class InvalidQuantity(PgledgerError, code="LG104"):
    """A quantity is not from 0 to below 1e30 with at most 18 decimal places."""


class UsageInFuture(PgledgerError, code="LG105"):
    """``event_at`` of a usage event is further ahead than the app allows, an hour by default.

    Usually a mistaken unit or time zone, or a clock that runs fast.
    :meth:`pgledger.Billing.set_usage_skew` changes how far ahead is allowed.
    """


class UsagePurged(PgledgerError, code="LG106"):
    """A time lies where the tenant's usage events may have been purged.

    Usage that old is neither taken nor split any more. Ask for whole UTC hours, whose totals are
    kept.
    """


class InvalidInvoice(PgledgerError, code="LG107"):
    """Lines or tax rates given for an invoice are not valid.

    The message names the JSON path of what is wrong, for example $.lines[0].amount, and says why.
    """


class PlanNotFound(PgledgerError, code="LG110"):
    """There is no plan of this id or slug for this ``app_id`` and tenant. Check all three."""


class FeatureNotFound(PgledgerError, code="LG111"):
    """There is no feature of this id or key for this ``app_id`` and tenant, nor a global one.

    Check all three, or create it with :meth:`pgledger.Billing.create_feature`.
    """


class SubscriptionNotFound(PgledgerError, code="LG112"):
    """There is no subscription of this id under this ``app_id`` and ``tenant_id``.

    Check all three.
    """


class InvoiceNotFound(PgledgerError, code="LG113"):
    """There is no invoice of this id under this ``app_id`` and ``tenant_id``. Check all three."""


class CouponNotFound(PgledgerError, code="LG114"):
    """There is no coupon of this code or id for this ``app_id`` and tenant. Check all three."""


class UsageNotFound(PgledgerError, code="LG115"):
    """There is no usage event of that id and time for this app and tenant, or it was removed."""


class AlreadyExists(PgledgerError, code="LG120"):
    """A slug, key or code is already taken. Choose another, or get the one that has it."""


class Archived(PgledgerError, code="LG121"):
    """A plan or feature is archived: it stays for those who have it and takes nobody new."""


class InUse(PgledgerError, code="LG122"):
    """Something cannot be deleted or changed because others refer to it; the message says who.

    Archive it instead, so that those who have it keep it and nobody else takes it.
    """


class InvalidState(PgledgerError, code="LG123"):
    """A change is not allowed in the state that something is in; the message names both states.

    Get it again to see its state; it may have changed since.
    """


class ActiveSubscriptionExists(PgledgerError, code="LG124"):
    """The tenant has an active or trialing subscription already.

    Change its plan or cancel it at once, or take a plan that is an add-on.
    """


class CouponNotValid(PgledgerError, code="LG125"):
    """A coupon cannot be redeemed now: it is archived, not valid yet or not valid any more."""


class CouponExhausted(PgledgerError, code="LG126"):
    """A coupon has been redeemed as often as it can be, in all or by this tenant.

    :meth:`pgledger.Billing.update_coupon` raises either limit.
    """


class AdvanceTooFar(PgledgerError, code="LG127"):
    """An app would be moved on by more than ``max_span`` beyond what was seen of it.

    Either the clock has jumped, or nothing ran for that long. Put the clock right, or call once
    with a longer ``max_span``.
    """


class UnknownTimeZone(PgledgerError, code="LG128"):
    """An update of the server has dropped the time zone of a subscription.

    Its periods cannot be counted until :meth:`pgledger.Billing.change_time_zone` gives it the zone
    that has taken its place, such as Europe/Kyiv for Europe/Kiev.
    """
