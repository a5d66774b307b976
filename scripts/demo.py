"""Walks through a story on a PostgreSQL of its own: ``python scripts/demo.py``, or ``make demo``.

Starts a server in a temporary directory, installs pgledger in it, and types into one psql session
what a person would type. What it prints is psql's own output. Every figure that the story tells is
checked, in psql's output and once more over a connection; a wrong one ends the demo with status 1.
The server and its directory are gone at the end, however it ends.
"""

import argparse
import contextlib
import os
import re
import secrets
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, Self, TextIO

ROOT = Path(__file__).resolve().parent.parent

# What is shown is this tree's, whichever pgledger is installed.
sys.path.insert(0, str(ROOT / "python"))

import psycopg  # noqa: E402

from pgledger import Ledger  # noqa: E402
from pgledger.embedded import EmbeddedError, EmbeddedServer  # noqa: E402
from pgledger.migrate import MigrationError, Progress, load_files, migrate  # noqa: E402

DATABASE: Final = "demo"
ROLE: Final = "teller"
WIDTH: Final = 78
ANSWER_SECONDS: Final = 60.0

Rows = list[list[str]]


class DemoError(Exception):
    """Something did not come out as the story says."""


# --- a session of psql ----------------------------------------------------------------------------


class PsqlSession:
    """One psql that is fed statement by statement, as from a keyboard.

    Args:
        program: Path of psql.
        environment: Its environment, which also says where to connect.
    """

    def __init__(self, program: Path, environment: Mapping[str, str]) -> None:
        # A line that no statement prints tells where the answer to one ends.
        self._end = f"end-{secrets.token_hex(8)}"
        self._process = subprocess.Popen(
            [str(program), "--no-psqlrc", "--pset=pager=off"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            # Times are shown in one zone and words in one language, whoever runs this.
            env={**environment, "PGTZ": "UTC", "LC_ALL": "C", "PGAPPNAME": "psql"},
            # Ctrl-C is for us; psql ends because its input does.
            start_new_session=True,
        )

    def run(self, text: str) -> str:
        """Types some lines and returns what psql prints about them.

        Args:
            text: Statements with their semicolons, or psql's own commands.

        Raises:
            DemoError: psql ended, or did not answer in time.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        # psql cannot be asked whether it still works on something, so somebody watches the clock.
        watch = threading.Timer(ANSWER_SECONDS, self._process.kill)
        watch.daemon = True
        watch.start()
        lines: list[str] = []
        try:
            self._process.stdin.write(f"{text}\n\\echo {self._end}\n")
            self._process.stdin.flush()
            for line in self._process.stdout:
                if line.rstrip("\n") == self._end:
                    return "".join(lines)
                lines.append(line)
        except BrokenPipeError:
            lines.append(self._process.stdout.read())
        finally:
            watch.cancel()
        raise DemoError(f"psql ended early, after printing:\n{''.join(lines)}")

    def close(self) -> None:
        """Ends psql; an open transaction is rolled back."""
        with contextlib.suppress(BrokenPipeError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def table(output: str) -> Rows:
    """Returns the cells of a table as psql prints it, without its head and its count of rows."""
    lines = output.splitlines()
    (rule,) = (place for place, line in enumerate(lines) if re.fullmatch(r"[-+]+", line))
    return [
        [cell.strip() for cell in line.split("|")]
        for line in lines[rule + 1 :]
        if line and not re.fullmatch(r"\(\d+ rows?\)", line)
    ]


# --- what is printed ------------------------------------------------------------------------------


class Page:
    """Prints the story; bold and dim only where somebody looks at a terminal."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self._blank_lines = 1
        self.is_terminal = out.isatty()
        self.has_colour = (
            self.is_terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        )

    def _styled(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.has_colour and text else text

    def bold(self, text: str) -> str:
        return self._styled("1", text)

    def dim(self, text: str) -> str:
        return self._styled("2", text)

    def line(self, text: str = "") -> None:
        print(text, file=self.out, flush=True)
        self._blank_lines = 0 if text.strip() else self._blank_lines + 1

    def gap(self, lines: int = 1) -> None:
        """Sees to it that so many blank lines stand before what follows."""
        while self._blank_lines < lines:
            self.line()

    def progress(self, text: str) -> None:
        """Shows a line that the next one replaces; without a terminal, nothing."""
        if self.is_terminal:
            print(f"\r\x1b[K{text}", end="", file=self.out, flush=True)

    def clear(self) -> None:
        if self.is_terminal:
            print("\r\x1b[K", end="", file=self.out, flush=True)

    def chapter(self, title: str, text: str) -> None:
        self.gap(2)
        self.line(self.bold(title))
        self.line(self.bold("-" * len(title)))
        self.say(text)

    def say(self, text: str) -> None:
        self.line(textwrap.fill(" ".join(text.split()), WIDTH))
        self.line()

    def typed(self, sql: str) -> None:
        for number, text in enumerate(sql.splitlines()):
            prompt = f"{DATABASE}{'=' if number == 0 else '-'}> "
            self.line(self.dim(prompt) + self.bold(text))

    def answer(self, output: str) -> None:
        for text in output.splitlines():
            self.line(text)


class Story:
    """Types into psql, shows what comes back, and holds it against what was to come."""

    def __init__(self, page: Page, psql: PsqlSession) -> None:
        self.page = page
        self._psql = psql
        self._chapter = ""
        self.statements = 0
        self.checks = 0

    def chapter(self, title: str, text: str) -> None:
        self._chapter = title
        self.page.chapter(title, text)

    def say(self, text: str) -> None:
        self.page.gap()
        self.page.say(text)

    def type(self, sql: str, *, refused: str | None = None) -> str:
        """Types a statement and shows it with its answer.

        Args:
            sql: The statement, as a person would lay it out.
            refused: What the message says if the statement is to be refused.

        Returns:
            What psql printed.
        """
        sql = textwrap.dedent(sql).strip()
        self.page.typed(sql)
        output = self._psql.run(sql)
        self.page.answer(output)
        self.statements += 1
        if refused is None:
            self.check("no error", "ERROR:" not in output and "invalid command" not in output)
        else:
            self.check(f"refused with: {refused}", f"ERROR:  {refused}" in output)
            self.check("a hint", "HINT:  " in output)
        return output

    def query(self, sql: str) -> Rows:
        """Types a query and returns its cells."""
        return table(self.type(sql))

    def equal(self, what: str, found: object, expected: object) -> None:
        self.check(f"{what}: {expected}, not {found}", found == expected)

    def check(self, what: str, holds: bool) -> None:  # noqa: FBT001
        self.checks += 1
        if not holds:
            raise DemoError(f"in the chapter {self._chapter!r}: expected {what}")


# --- the story ------------------------------------------------------------------------------------


def two_accounts(story: Story) -> None:
    story.chapter(
        "1. Two accounts",
        """An account has a name and one currency. psql's \\gset keeps the id that comes back in a
        variable, so that the statements below read as you would write them.""",
    )
    for name in ("account_1", "account_2"):
        story.type(f"select id as {name} from pgledger_create_account('{name}', 'USD') \\gset")
    rows = story.query(
        "select id, name, currency, balance from pgledger_accounts_view order by id;"
    )
    story.equal(
        "accounts",
        [row[1:] for row in rows],
        [["account_1", "USD", "0"], ["account_2", "USD", "0"]],
    )


def two_transfers(story: Story) -> None:
    story.chapter(
        "2. Transfers",
        """A transfer takes an amount from one account and gives it to another. The answer is the
        whole transfer, with both balances as it left them.""",
    )
    story.type("select * from pgledger_create_transfer(:'account_1', :'account_2', 12.34) \\gx")
    rows = story.query("""
        select amount, from_account_balance, to_account_balance
        from pgledger_create_transfer(:'account_1', :'account_2', 56.78);
    """)
    story.equal("transfer", rows, [["56.78", "-69.12", "69.12"]])


def balances(story: Story) -> None:
    story.chapter(
        "3. Balances",
        """A balance is always there to be read; it is not summed up. The version counts the
        account's entries.""",
    )
    rows = story.query("""
        select name, balance, version from pgledger_accounts_view where id = :'account_2';
    """)
    story.equal("balance", rows, [["account_2", "69.12", "2"]])
    story.say("What one account has gained another has given: each currency sums to zero.")
    rows = story.query("""
        select currency, sum(balance) from pgledger_accounts_view group by currency;
    """)
    story.equal("sum", rows, [["USD", "0.00"]])


def entries(story: Story) -> None:
    story.chapter(
        "4. Entries",
        """Each transfer is two entries, one on each account. They carry the balance before and
        after, so an account's history reads like a bank statement.""",
    )
    rows = story.query("""
        select created_at, account_version, amount,
          account_previous_balance, account_current_balance
        from pgledger_entries_view
        where account_id = :'account_2'
        order by id;
    """)
    story.equal(
        "entries",
        [row[1:] for row in rows],
        [["1", "12.34", "0.00", "12.34"], ["2", "56.78", "12.34", "69.12"]],
    )


def event_times(story: Story) -> None:
    story.chapter(
        "5. When it happened",
        """created_at is when the ledger learned of a transfer, event_at is when it happened in the
        world. Without an event_at, both are the same.""",
    )
    ((created_at, event_at),) = story.query("""
        select created_at, event_at
        from pgledger_create_transfer(:'account_1', :'account_2', 12.34);
    """)
    story.equal("event_at", event_at, created_at)
    story.say("It can be given in its place, or by its name.")
    for argument in ("'2025-07-01T12:34:56Z'", "event_at => '2025-07-01T12:34:56Z'"):
        ((created_at, event_at),) = story.query(f"""
            select created_at, event_at
            from pgledger_create_transfer(
              :'account_1', :'account_2', 12.34, {argument}
            );
        """)
        story.equal("event_at", event_at, "2025-07-01 12:34:56+00")
        age = datetime.now(UTC) - datetime.fromisoformat(created_at)
        story.check("created_at just now", abs(age) < timedelta(minutes=5))


def bank_statement(story: Story) -> None:
    story.chapter(
        "6. The bank statement for June",
        """A bank reports payments after they happened. Three arrive: two from June, and one from
        the first moment of July.""",
    )
    for name in ("bank", "customers"):
        story.type(f"select id as {name} from pgledger_create_account('{name}', 'USD') \\gset")
    for amount, event_at in (
        ("100.00", "2025-06-12 09:30:00+00"),
        ("250.00", "2025-06-30 23:55:00+00"),
        ("75.00", "2025-07-01 00:00:00+00"),
    ):
        rows = story.query(f"""
            select amount, event_at
            from pgledger_create_transfer(
              :'customers', :'bank', {amount}, event_at => '{event_at}'
            );
        """)
        story.equal("payment", rows, [[amount, event_at]])
    story.say(
        """The statement asks by event_at: from the beginning of June, up to but not including the
        beginning of July."""
    )
    rows = story.query("""
        select event_at, amount, account_current_balance
        from pgledger_entries_view
        where account_id = :'bank'
          and event_at >= '2025-06-01'
          and event_at < '2025-07-01'
        order by event_at;
    """)
    story.equal(
        "June",
        rows,
        [
            ["2025-06-12 09:30:00+00", "100.00", "100.00"],
            ["2025-06-30 23:55:00+00", "250.00", "350.00"],
        ],
    )
    story.say("Asked by created_at, June is empty: the ledger learned of these payments today.")
    rows = story.query("""
        select count(*)
        from pgledger_entries_view
        where account_id = :'bank'
          and created_at >= '2025-06-01'
          and created_at < '2025-07-01';
    """)
    story.equal("June", rows, [["0"]])


def exchange(story: Story) -> None:
    story.chapter(
        "7. An exchange of currencies",
        """A transfer stays within one currency. So an exchange is two transfers over four
        accounts, made in one call: both happen, or neither.""",
    )
    for name in ("user1.USD", "user1.EUR", "liquidity.USD", "liquidity.EUR"):
        variable = name.lower().replace(".", "_")
        currency = name[-3:]
        story.type(
            f"select id as {variable} from pgledger_create_account('{name}', '{currency}') \\gset"
        )
    rows = story.query("""
        select from_account_name, to_account_name, amount, currency
        from pgledger_create_transfers(
          (:'user1_usd', :'liquidity_usd', '10.00'),
          (:'liquidity_eur', :'user1_eur', '9.26')
        );
    """)
    story.equal(
        "exchange",
        rows,
        [
            ["user1.USD", "liquidity.USD", "10.00", "USD"],
            ["liquidity.EUR", "user1.EUR", "9.26", "EUR"],
        ],
    )
    rows = story.query("""
        select name, balance, currency
        from pgledger_accounts_view
        where id in (:'user1_usd', :'user1_eur', :'liquidity_usd', :'liquidity_eur')
        order by id;
    """)
    story.equal(
        "balances",
        [row[:2] for row in rows],
        [
            ["user1.USD", "-10.00"],
            ["user1.EUR", "9.26"],
            ["liquidity.USD", "10.00"],
            ["liquidity.EUR", "-9.26"],
        ],
    )


def refusal(story: Story) -> None:
    story.chapter(
        "8. A transfer that is refused",
        """An account can forbid a negative balance. A refusal aborts the transaction it is in, as
        every error in PostgreSQL does; a savepoint before it keeps the rest. SHOW_CONTEXT is
        psql's switch for the lines of code that an error comes from.""",
    )
    story.type("\\set SHOW_CONTEXT never")
    story.type("""
        select id as wallet
        from pgledger_create_account('wallet', 'USD', allow_negative_balance => false) \\gset
    """)
    story.type("begin;")
    story.type("""
        select to_account_name, to_account_balance
        from pgledger_create_transfer(:'account_2', :'wallet', 20.00);
    """)
    story.type("savepoint before_purchase;")
    story.type(
        "select * from pgledger_create_transfer(:'wallet', :'account_1', 99.00);",
        refused="account pgla_",
    )
    story.type("rollback to savepoint before_purchase;")
    story.type("""
        select from_account_name, from_account_balance
        from pgledger_create_transfer(:'wallet', :'account_1', 15.00);
    """)
    story.type("commit;")
    rows = story.query("""
        select name, balance, version from pgledger_accounts_view where id = :'wallet';
    """)
    story.equal("wallet", rows, [["wallet", "5.00", "2"]])


def repeats(story: Story) -> None:
    story.chapter(
        "9. Trying again without paying twice",
        """Whoever chooses the transfer's id beforehand may send the request again, for example
        when the answer was lost on the way. It takes effect once.""",
    )
    story.type("select pgledger_generate_id('pglt') as payment \\gset")
    sql = """
        select created_at, amount, to_account_balance, to_account_version
        from pgledger_create_transfer(:'customers', :'bank', 30.00, id => :'payment');
    """
    first = story.query(sql)
    story.equal("payment", first[0][1:], ["30.00", "455.00", "4"])
    story.equal("repeat", story.query(sql), first)
    story.say("The same id for anything else is a mistake, and is refused.")
    story.type(
        "select * from pgledger_create_transfer(:'customers', :'bank', 31.00, id => :'payment');",
        refused="id pglt_",
    )


def history(story: Story) -> None:
    story.chapter(
        "10. Balances of the past",
        "What was in account_2 after its first entry, and a moment before it?",
    )
    story.type("""
        select created_at as first_entry from pgledger_entries_view
        where account_id = :'account_2' and account_version = 1 \\gset
    """)
    rows = story.query("""
        select
          pgledger_balance_at(
            :'account_2', :'first_entry'::timestamptz - interval '1 second') as before,
          pgledger_balance_at(:'account_2', :'first_entry') as then,
          pgledger_balance_at(:'account_2', now()) as now;
    """)
    story.equal("balances", rows, [["0", "12.34", "86.14"]])
    story.say("The entries say the same: the newest one that is not later.")
    rows = story.query("""
        select account_current_balance
        from pgledger_entries_view
        where account_id = :'account_2' and created_at <= :'first_entry'
        order by account_version desc
        limit 1;
    """)
    story.equal("balance", rows, [["12.34"]])


def pages(story: Story) -> None:
    story.chapter(
        "11. The newest entries, page by page",
        """However long the history, a page reads only its own rows. The next page begins after
        the last version of this one.""",
    )
    rows = story.query("""
        select account_version, amount, account_current_balance
        from pgledger_account_entries(:'account_2', page_size => 3);
    """)
    story.equal(
        "page",
        rows,
        [["6", "-20.00", "86.14"], ["5", "12.34", "106.14"], ["4", "12.34", "93.80"]],
    )
    rows = story.query("""
        select account_version, amount, account_current_balance
        from pgledger_account_entries(:'account_2', page_size => 3, after_version => 4);
    """)
    story.equal(
        "page",
        rows,
        [["3", "12.34", "81.46"], ["2", "56.78", "69.12"], ["1", "12.34", "12.34"]],
    )


def proof(story: Story) -> None:
    story.chapter(
        "12. The proof",
        """pgledger_verify() recomputes the books from their entries. Whatever it finds stands in
        the column violations, which is zero throughout.""",
    )
    rows = story.query("select check_name, rows_checked, violations from pgledger_verify();")
    story.check("some checks", len(rows) > 5)
    for name, _, violations in rows:
        story.equal(name, violations, "0")


def plan(story: Story) -> None:
    story.chapter(
        "13. Billing: a plan",
        """The billing store stands beside the ledger; its names begin with ledger_. What is sold is
        a feature; a plan contains features up to a limit. Every call begins with the app.""",
    )
    rows = story.query("""
        select key, type, aggregation
        from ledger_create_feature('maps', 'api_calls', 'API calls');
    """)
    story.equal("feature", rows, [["api_calls", "metered", "sum"]])
    story.type("""
        select id as starter
        from ledger_create_plan(
          'maps', 'starter', 'Starter', 'USD',
          features => '[{"key": "api_calls", "limit": "10"}]',
          pricing => '{"base": {"amount": "19.00", "interval": "month"}}'
        ) \\gset
    """)
    story.say(
        "A misspelt limit is no limit, so it is refused, and the message says where it stands."
    )
    story.type(
        """
        select id from ledger_create_plan(
          'maps', 'pro', 'Pro', 'USD', features => '[{"key": "api_calls", "limt": "1000"}]'
        );
        """,
        refused="the plan is not valid at $.features[0].limt: ",
    )


def subscription(story: Story) -> None:
    story.chapter(
        "14. A subscription",
        """A customer is a tenant of the app. This one has the plan since the last day of a January:
        every period is counted from then, and February ends it on its own last day.""",
    )
    story.type("""
        select id as subscription
        from ledger_create_subscription(
          'maps', 'acme', :'starter', started_at => '2025-01-31 00:00:00Z'
        ) \\gset
    """)
    rows = story.query("""
        select change, period_start, period_end
        from ledger_subscription_changes
        where subscription_id = :'subscription'
        order by version
        limit 3;
    """)
    story.equal(
        "periods",
        rows,
        [
            ["created", "2025-01-31 00:00:00+00", "2025-02-28 00:00:00+00"],
            ["period_started", "2025-02-28 00:00:00+00", "2025-03-31 00:00:00+00"],
            ["period_started", "2025-03-31 00:00:00+00", "2025-04-30 00:00:00+00"],
        ],
    )


def usage(story: Story) -> None:
    story.chapter(
        "15. Usage, counted once",
        """Events come in batches. A key that its tenant has used before is not counted again, and
        what is wrong with one event keeps no other out.""",
    )
    rows = story.query("""
        select event_index, status, error, reason
        from ledger_ingest_usage(
          'maps',
          tenant_ids => array['acme', 'acme', 'acme', 'acme'],
          feature_keys => array['api_calls', 'api_calls', 'api_calls', 'api_cals'],
          quantities => array[4, 2, 4, 1],
          idempotency_keys => array['request-1', 'request-2', 'request-1', 'request-3']
        );
    """)
    story.equal(
        "events",
        rows,
        [
            ["1", "inserted", "", ""],
            ["2", "inserted", "", ""],
            ["3", "duplicate", "", ""],
            ["4", "rejected", "LG111", "feature 'api_cals' does not exist in app 'maps'"],
        ],
    )


def quota(story: Story) -> None:
    story.chapter(
        "16. A quota",
        """Six of ten are used. Checking and counting is one step, so no two callers get the last
        one. What is not allowed is an answer, not an error.""",
    )
    for remaining, allowed, reason in (
        ("2", "t", "within_limit"),
        ("0", "t", "within_limit"),
        ("0", "f", "limit_exceeded"),
    ):
        rows = story.query("""
            select allowed, used, "limit", remaining, reason
            from ledger_consume_entitlement('maps', 'acme', 'api_calls', 2);
        """)
        used = str(10 - int(remaining))
        story.equal("answer", rows, [[allowed, used, "10", remaining, reason]])


def clock(story: Story) -> None:
    story.chapter(
        "17. Time passes",
        """Trials end, periods begin and base fees are due by the clock, and ledger_advance writes
        that down; something calls it every minute. Here is a trial of a day that began a day ago,
        less two seconds. The same call draws up invoices for all the months that acme has had.""",
    )
    story.type("""
        select status
        from ledger_create_subscription(
          'maps', 'initech', :'starter', trial_days => 1,
          started_at => now() - interval '1 day' + interval '2 seconds'
        );
    """)
    story.type("select pg_sleep(2.2);")
    story.equal(
        "changes",
        story.query("""
            select tenant_id, change from ledger_advance('maps') where tenant_id = 'initech';
        """),
        [
            ["initech", "trial_ended"],
            ["initech", "period_started"],
            ["initech", "invoice_finalized"],
        ],
    )
    story.say("Nothing more is due.")
    story.equal("changes", story.query("select tenant_id, change from ledger_advance('maps');"), [])


def invoice(story: Story) -> None:
    story.chapter(
        "18. An invoice",
        """A plan of 60.00 for 30 days, a thousand calls included. This tenant has had it for 45
        days, made 13,000 calls in the first 30 of them, and redeems a coupon.""",
    )
    story.type("""
        select id as team
        from ledger_create_plan(
          'maps', 'team', 'Team', 'USD',
          features => '[{"key": "api_calls", "limit": "1000", "soft_limit": true}]',
          pricing => '{
            "base": {"amount": "60.00", "interval": "day", "interval_count": 30},
            "prices": [{"feature": "api_calls", "model": "graduated", "tiers": [
              {"up_to": "10000", "unit_amount": "0.002"},
              {"unit_amount": "0.001"}
            ]}]
          }'
        ) \\gset
    """)
    story.type("""
        select id as subscription
        from ledger_create_subscription(
          'maps', 'globex', :'team', started_at => now() - interval '45 days',
          tax_rates => '[{"name": "Sales tax", "percentage": "8"}]'
        ) \\gset
    """)
    story.type("""
        select status
        from ledger_record_usage(
          'maps', 'globex', 'api_calls', 13000, event_at => now() - interval '20 days'
        );
    """)
    story.type("""
        select code, percentage, applies_to
        from ledger_create_coupon(
          'maps', 'CALLS10', '10 % off calls', percentage => 10,
          applies_to => array['api_calls']
        );
    """)
    rows = story.query("""
        select status, uses_left from ledger_redeem_coupon('maps', 'globex', 'CALLS10');
    """)
    story.equal("redemption", rows, [["active", "1"]])
    story.say("The first invoice is the base fee in advance, the next one what the period came to.")
    story.equal(
        "changes",
        story.query("select tenant_id, change from ledger_advance('maps');"),
        [["globex", "invoice_finalized"], ["globex", "invoice_finalized"]],
    )
    rows = story.query("""
        select line.kind, line.description, line.quantity, line.amount
        from ledger_get_invoice_by_period(
          'maps', 'globex', :'subscription', at => now() - interval '20 days'
        ) as invoice
        cross join jsonb_to_recordset(invoice.line_items)
          as line (kind text, description text, quantity numeric, amount numeric);
    """)
    story.equal(
        "lines",
        rows,
        [
            ["base_fee", "Team: base fee", "1", "60.00"],
            ["overage", "Team: API calls beyond 1000", "12000", "22.00"],
            ["discount", "10 % off calls", "", "-2.20"],
            ["tax", "Sales tax 8 %", "", "6.38"],
        ],
    )
    story.equal("total", sum(Decimal(row[3]) for row in rows), Decimal("86.18"))


def payment(story: Story) -> None:
    story.chapter(
        "19. A payment in two parts",
        """What is paid is written down until it covers what is due. Paid is final: the invoice
        cannot be voided any more.""",
    )
    story.type("""
        select id as invoice
        from ledger_get_invoice_by_period(
          'maps', 'globex', :'subscription', at => now() - interval '20 days'
        ) \\gset
    """)
    for amount, answer in (
        ("50.00", ["pending", "86.18", "50.00", "36.18"]),
        ("36.18", ["paid", "86.18", "86.18", "0.00"]),
    ):
        rows = story.query(f"""
            select status, amount_due, amount_paid, amount_remaining
            from ledger_record_payment('maps', 'globex', :'invoice', {amount});
        """)
        story.equal("invoice", rows, [answer])
    output = story.type(
        "select status from ledger_mark_invoice_voided('maps', 'globex', :'invoice');",
        refused="invoice inv_",
    )
    story.check("both states named", "is paid and cannot become voided" in output)


CHAPTERS: Final = (
    two_accounts,
    two_transfers,
    balances,
    entries,
    event_times,
    bank_statement,
    exchange,
    refusal,
    repeats,
    history,
    pages,
    proof,
    plan,
    subscription,
    usage,
    quota,
    clock,
    invoice,
    payment,
)

BALANCES: Final = {
    "account_1": "-91.14",
    "account_2": "86.14",
    "wallet": "5.00",
    "bank": "455.00",
    "customers": "-455.00",
    "user1.USD": "-10.00",
    "user1.EUR": "9.26",
    "liquidity.USD": "10.00",
    "liquidity.EUR": "-9.26",
}

# How many API calls of which tenant are counted in the end.
USAGE: Final = {"acme": "10", "globex": "13000"}

# What tenants have paid.
PAID: Final = {"globex": "86.18"}


def read_back(dsn: str) -> dict[str, Decimal]:
    """Reads back over a connection of our own what the story has left; raises if it is not that."""
    expected = {name: Decimal(balance) for name, balance in BALANCES.items()}
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("select name, balance from pgledger_accounts_view").fetchall()
        checks = Ledger(connection).verify()
        usage = connection.execute(
            "select tenant_id, sum(quantity) from ledger_usage_events group by tenant_id"
        ).fetchall()
        paid = connection.execute(
            "select tenant_id, sum(amount_paid) from ledger_invoices where amount_paid > 0"
            " and status = 'paid' group by tenant_id"
        ).fetchall()
        numbers = connection.execute(
            "select array_agg(number order by number) from ledger_invoices"
        ).fetchone()
    found: dict[str, Decimal] = dict(rows)
    if found != expected or len(rows) != len(found):
        raise DemoError(f"the balances read back are {found}, not {expected}")
    wrong = [check for check in checks if not check.ok]
    if wrong or not checks:
        raise DemoError(f"pgledger_verify() found violations: {wrong}")
    if dict(usage) != {tenant: Decimal(used) for tenant, used in USAGE.items()}:
        raise DemoError(f"the usage read back is {dict(usage)}, not {USAGE}")
    if dict(paid) != {tenant: Decimal(amount) for tenant, amount in PAID.items()}:
        raise DemoError(f"the payments read back are {dict(paid)}, not {PAID}")
    if numbers is None or numbers[0] != list(range(1, len(numbers[0]) + 1)):
        raise DemoError(f"invoices are numbered {numbers}")
    return found


# --- the stage ------------------------------------------------------------------------------------


def seconds(start: float) -> str:
    return f"{time.monotonic() - start:.1f} s"


@contextlib.contextmanager
def started_server(page: Page) -> Generator[EmbeddedServer]:
    start = time.monotonic()
    page.progress("Starting a PostgreSQL server in a temporary directory ...")
    with EmbeddedServer.temporary() as server:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            version = connection.info.server_version
            connection.execute(f"create database {DATABASE}".encode())
        page.clear()
        name = f"PostgreSQL {version // 10000}.{version % 10000}"
        page.line(f"{name} started in a temporary directory  ({seconds(start)})")
        yield server


def install(page: Page, dsn: str) -> None:
    """Migrates, shows how far it is, and makes the role that the story is told by."""
    total = len(load_files())
    start = time.monotonic()
    done: dict[str, int] = {}

    def tell(progress: Progress) -> None:
        if progress.event == "applied":
            module = str(Path(progress.name).parent)
            done[module] = done.get(module, 0) + 1
            count = sum(done.values())
            filled = 30 * count // total
            bar = "#" * filled + "." * (30 - filled)
            page.progress(f"Installing pgledger [{bar}] {count}/{total}")

    migrate(dsn, on_progress=tell)
    page.clear()
    page.line(f"pgledger installed: {sum(done.values())} files  ({seconds(start)})")
    for module, count in done.items():
        page.line(page.dim(f"  {module:<30}{count:>4} file{'s' if count > 1 else ''}"))
    with psycopg.connect(dsn) as connection:
        connection.execute(
            f"create role {ROLE} login in role pgledger_poster, pgledger_auditor".encode()
        )
    page.line(f"psql is connected as {ROLE}, an ordinary role, which was granted")
    page.line("pgledger_poster (moves money and bills) and pgledger_auditor (verifies).")


def command() -> str:
    """Returns how to call pgledger from here, in the environment that runs this."""
    beside = Path(sys.executable).with_name("pgledger")
    if not beside.exists():
        return "pgledger"
    return str(beside.relative_to(Path.cwd()) if beside.is_relative_to(Path.cwd()) else beside)


def tell_story(page: Page, chapters: Sequence[Callable[[Story], None]] = CHAPTERS) -> None:
    page.line(page.bold("pgledger: a ledger and a store for billing inside PostgreSQL"))
    page.line()
    with started_server(page) as server:
        dsn = server.dsn(DATABASE)
        install(page, dsn)
        environment = {**server.environment(DATABASE), "PGUSER": ROLE}
        with PsqlSession(server.program("psql"), environment) as psql:
            story = Story(page, psql)
            for chapter in chapters:
                chapter(story)
        found = read_back(dsn)
    page.gap(2)
    page.line(
        f"{story.statements} statements, {story.checks} checks, and {len(found)} balances read "
        "back: all as expected."
    )
    page.line("The server is stopped and its directory removed.")
    page.line()
    page.line(f"To type yourself: {command()} migrate --embedded ./money --keep-running")
    page.line("To read on:       docs/tutorial.md and docs/billing-tutorial.md")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[2])
    parser.parse_args()
    page = Page(sys.stdout)
    try:
        tell_story(page)
    except KeyboardInterrupt:
        page.clear()
        print("\ndemo.py: interrupted; the server is stopped", file=sys.stderr)
        return 128 + signal.SIGINT
    except (DemoError, EmbeddedError, MigrationError, psycopg.Error) as error:
        page.clear()
        print(f"\ndemo.py: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader, for example `head`, has had enough; Python would complain again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
