"""The queries of an export: on views that readers may read, with values as parameters."""

from dataclasses import dataclass
from typing import Any, Final

from pgledger.migrate.sqltext import identifier

from .asked import Export

# Times as texts, in UTC: PostgreSQL has years that Python has not.
_TIME: Final = (
    "case when isfinite({0}) then"
    " to_char({0} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    " || case when extract(year from {0} at time zone 'UTC') < 0 then ' BC' else '' end"
    " else {0}::text end"
)


@dataclass(frozen=True, slots=True)
class Query:
    """A query with its parameters."""

    text: str
    parameters: dict[str, Any]


class Queries:
    """The queries of one export, in the schema of the views."""

    def __init__(self, surface: str, asked: Export) -> None:
        self._transfers = f"{identifier(surface)}.pgledger_transfers_v1"
        self._accounts = f"{identifier(surface)}.pgledger_accounts_v1"
        self._asked = asked
        self._at = "created_at" if asked.axis == "recorded" else "event_at"
        self._parameters: dict[str, Any] = {
            "app_id": asked.app_id,
            "prefix": asked.prefix,
            "account_ids": list(asked.account_ids),
            "from": asked.from_time,
            "until": asked.until,
        }

    def _query(self, text: str) -> Query:
        return Query(text, self._parameters)

    def _chosen(self) -> str:
        """Returns the condition that an account is among those that are asked for."""
        conditions: list[str] = []
        if self._asked.prefix is not None:
            conditions.append("accounts.name = %(prefix)s")
            conditions.append("starts_with(accounts.name, %(prefix)s || '.')")
        if self._asked.account_ids:
            conditions.append("accounts.id = any(%(account_ids)s)")
        chosen = f" and ({' or '.join(conditions)})" if conditions else ""
        return f"accounts.app_id = %(app_id)s{chosen}"

    def _moved(self, *, since: bool = True, until: bool = True) -> str:
        """Returns the condition of the transfers that are asked for."""
        conditions = ["transfers.app_id = %(app_id)s"]
        if since and self._asked.from_time is not None:
            conditions.append(f"transfers.{self._at} >= %(from)s")
        if until and self._asked.until is not None:
            conditions.append(f"transfers.{self._at} < %(until)s")
        if self._asked.has_filter:
            ids = f"(select accounts.id from {self._accounts} as accounts where {self._chosen()})"
            conditions.append(
                f"(transfers.from_account_id in {ids} or transfers.to_account_id in {ids})"
            )
        return " and ".join(conditions)

    def missing_accounts(self) -> Query:
        """Finds ids that were asked for and are of no account of these books."""
        return self._query(
            "select asked.id from unnest(%(account_ids)s::text[]) as asked (id)"
            f" where not exists (select from {self._accounts} as accounts"
            " where accounts.id = asked.id and accounts.app_id = %(app_id)s)"
        )

    def expected(self) -> Query:
        """Counts transfers by the versions of accounts, where all of them are asked for."""
        return self._query(
            "select coalesce(sum(accounts.version), 0)::bigint / 2"
            f" from {self._accounts} as accounts where accounts.app_id = %(app_id)s"
        )

    def currencies(self) -> Query:
        """Lists the currencies of these books."""
        return self._query(
            f"select distinct accounts.currency from {self._accounts} as accounts"
            " where accounts.app_id = %(app_id)s order by 1"
        )

    def transfers(self) -> Query:
        """Lists the transfers, in their order."""
        at, created_at, event_at = (
            _TIME.format(f"transfers.{name}") for name in (self._at, "created_at", "event_at")
        )
        return self._query(
            f"select transfers.id, {at}, {created_at}, {event_at}, transfers.from_account_id,"
            " transfers.from_account_name, transfers.from_tenant_id, transfers.to_account_id,"
            " transfers.to_account_name, transfers.to_tenant_id, transfers.amount::text,"
            " transfers.currency, transfers.group_id, transfers.origin_id,"
            f" transfers.metadata::text from {self._transfers} as transfers"
            f" where {self._moved()}"
            f" order by transfers.{self._at}, transfers.created_at, transfers.id"
        )

    def accounts(self) -> Query:
        """Lists the accounts that occur: those asked for, and the others of their transfers."""
        return self._listed(
            "''", f"accounts.app_id = %(app_id)s{self._occurs()}" if self._asked.has_filter else ""
        )

    def _occurs(self) -> str:
        moved = f"from {self._transfers} as transfers where {self._moved()}"
        return (
            f" and (({self._chosen()})"
            f" or accounts.id in (select transfers.from_account_id {moved})"
            f" or accounts.id in (select transfers.to_account_id {moved}))"
        )

    def _listed(self, balance: str, condition: str = "", join: str = "") -> Query:
        return self._query(
            "select accounts.id, accounts.name, accounts.currency, accounts.tenant_id,"
            f" {balance} from {self._accounts} as accounts{join}"
            f" where {condition or self._chosen()} order by accounts.id"
        )

    def _sums(self, time: str) -> str:
        """Joins the sums of all entries before a time."""
        before = f"transfers.app_id = %(app_id)s and transfers.{self._at} < %({time})s"
        return (
            " left join (select leg.account_id, sum(leg.amount) as balance from ("
            "select transfers.from_account_id, -transfers.amount"
            f" from {self._transfers} as transfers where {before}"
            " union all select transfers.to_account_id, transfers.amount"
            f" from {self._transfers} as transfers where {before}"
            ") as leg (account_id, amount) group by leg.account_id) as total"
            " on accounts.id = total.account_id"
        )

    def openings(self) -> Query:
        """Lists the accounts that had a balance at the beginning."""
        condition = f"{self._chosen()} and total.balance <> 0"
        return self._listed("total.balance::text", condition, self._sums("from"))

    def closings(self) -> Query:
        """Lists what balances are at the end: as accounts have them, if there is none."""
        if self._asked.until is None:
            return self._listed("accounts.balance::text")
        return self._listed("coalesce(total.balance, 0)::text", "", self._sums("until"))
