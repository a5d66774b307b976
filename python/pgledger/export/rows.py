"""The rows that formats are given, as texts of PostgreSQL: no number or time loses a digit."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """An account, and what its balance is at some time."""

    id: str
    name: str
    currency: str
    tenant_id: str
    balance: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer; ``at`` is the one of its times that counts."""

    id: str
    at: str
    created_at: str
    event_at: str
    from_account_id: str
    from_account_name: str
    from_tenant_id: str
    to_account_id: str
    to_account_name: str
    to_tenant_id: str
    amount: str
    currency: str
    group_id: str | None
    origin_id: str | None
    metadata: str | None
