"""A session, a clock that stands where a test puts it, and a tenant with a plan."""

from collections.abc import Callable
from datetime import datetime

import pytest

from support.clock import SetClock
from support.database import Connect
from support.subscriptions import NOW, Session, Tenant, create_plan, utc

Clock = Callable[[datetime | str], None]


@pytest.fixture
def conn(connect: Connect) -> Session:
    return connect(autocommit=True)


@pytest.fixture
def clock(conn: Session, set_clock: SetClock) -> Clock:
    """Puts the clock to a time; at first it stands at NOW."""

    def put(at: datetime | str) -> None:
        set_clock(conn, utc(at) if isinstance(at, str) else at)

    put(NOW)
    return put


@pytest.fixture
def tenant(conn: Session, clock: Clock) -> Tenant:
    return Tenant(conn)


@pytest.fixture
def plan(conn: Session, clock: Clock) -> str:
    return create_plan(conn)
