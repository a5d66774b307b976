"""The tenants of a run, with the features, plans and subscriptions that they have."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from scripts.performance.databases import APP_ID, Control, find_surface, scalar

FEATURE = "api_calls"
# Subscriptions began so long ago, and with them the period that usage counts in.
PERIOD_DAYS = 20


@dataclass(frozen=True, slots=True)
class Tenants:
    """The tenants of this run and where the functions are."""

    surface: str
    prefix: str
    count: int

    @property
    def ids(self) -> list[str]:
        return [f"{self.prefix}{number}" for number in range(1, self.count + 1)]


def open_tenants(connection: Control, count: int) -> Tenants:
    """Names tenants that nobody has yet, and makes the feature that they use."""
    surface = sql.Identifier(find_surface(connection)).as_string()
    present = scalar(
        connection,
        f"""
        select exists (
          select from {surface}.ledger_features
          where app_id = %s and tenant_id = '' and key = %s
        )
        """,
        (APP_ID, FEATURE),
    )
    if not present:
        scalar(
            connection,
            f"select id from {surface}.ledger_create_feature(%s, %s, 'API calls')",
            (APP_ID, FEATURE),
        )
    return Tenants(surface, f"{secrets.token_hex(4)}-", count)


def make_features(connection: Control, tenants: Tenants, keys: Sequence[str]) -> None:
    connection.execute(
        f"""
        select count(feature.id)
        from unnest(%s::text[]) as given (key)
        cross join lateral {tenants.surface}.ledger_create_feature(%s, given.key, given.key)
          as feature
        where given.key not in (
          select key from {tenants.surface}.ledger_features where app_id = %s and tenant_id = ''
        )
        """.encode(),
        (list(keys), APP_ID, APP_ID),
    )


def make_priced_plan(
    connection: Control,
    tenants: Tenants,
    slug: str,
    price: Mapping[str, object],
    keys: Sequence[str],
) -> str:
    """Makes a plan with a base fee and the same price for each feature beyond an allowance."""
    return str(
        scalar(
            connection,
            f"""
            select id
            from {tenants.surface}.ledger_create_plan(
              %s, %s, 'performance_check', 'USD', features => %s::jsonb, pricing => %s::jsonb
            )
            """,
            (
                APP_ID,
                f"performance-check-{tenants.prefix}{slug}",
                json.dumps([{"key": key, "limit": "100", "soft_limit": True} for key in keys]),
                json.dumps(
                    {
                        "base": {"amount": "49"},
                        "prices": [{"feature": key, **price} for key in keys],
                    }
                ),
            ),
        )
    )


def subscribe(connection: Control, tenants: Tenants) -> None:
    """Makes a plan with a monthly limit, which every tenant has had for most of a month."""
    plan_id = scalar(
        connection,
        f"""
        select id
        from {tenants.surface}.ledger_create_plan(
          %s, %s, 'performance_check', 'USD', features => %s::jsonb
        )
        """,
        (
            APP_ID,
            f"performance-check-{tenants.prefix}plan",
            json.dumps([{"key": FEATURE, "limit": "1000000000000", "period": "month"}]),
        ),
    )
    connection.execute(
        f"""
        select count(subscription.id)
        from unnest(%s::text[]) as tenant (id)
        cross join lateral {tenants.surface}.ledger_create_subscription(
          %s, tenant.id, %s, started_at => now() - make_interval(days => %s)
        ) as subscription
        """.encode(),
        (tenants.ids, APP_ID, plan_id, PERIOD_DAYS),
    )


def subscribe_until(connection: Control, tenants: Tenants, plan_id: str, ends_at: datetime) -> None:
    """Gives every tenant the plan, with a first period that is cut short and ends at that time."""
    connection.execute(
        f"""
        select count(subscription.id)
        from unnest(%s::text[]) as tenant (id)
        cross join lateral {tenants.surface}.ledger_create_subscription(
          %s, tenant.id, %s, started_at => now() - make_interval(days => %s), anchor_at => %s
        ) as subscription
        """.encode(),
        (tenants.ids, APP_ID, plan_id, PERIOD_DAYS, ends_at),
    )
