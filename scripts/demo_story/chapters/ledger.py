"""The ledger: accounts, transfers, balances, history, holds and the proof."""

from datetime import UTC, datetime, timedelta
from typing import Final

from scripts.demo_story.chapters.conditions import batch, conditions, shares
from scripts.demo_story.chapters.holds import hold
from scripts.demo_story.chapters.looking_back import CHAPTERS as LOOKING_BACK
from scripts.demo_story.story import Story


def two_accounts(story: Story) -> None:
    story.chapter(
        "Two accounts",
        """An account has a name and one currency. psql's \\gset keeps the id that comes back in a
        variable, so that the statements below read as you would write them. Before anything moves,
        each currency gets the decimal places that ISO 4217 says.""",
    )
    rows = story.query("select pgledger_use_iso_currencies();")
    story.equal("currencies", rows, [["165"]])
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
        "Transfers",
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
        "Balances",
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
        "Entries",
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
        "When it happened",
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
        "The bank statement for June",
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
        "An exchange of currencies",
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
    story.say(
        """Names with dots are paths: a level adds up what is below it. A transfer can name its
        accounts, and an account is opened by its name where there is none yet."""
    )
    rows = story.query("""
        select path, currency, balance, account_count
        from pgledger_balances('liquidity', depth => 1);
    """)
    story.equal(
        "by path",
        rows,
        [["liquidity", "EUR", "-9.26", "1"], ["liquidity", "USD", "10.00", "1"]],
    )
    rows = story.query("""
        select name, balance, replayed from pgledger_ensure_account('user1.savings', 'EUR');
    """)
    story.equal("opened", rows, [["user1.savings", "0", "f"]])
    rows = story.query("""
        select from_account_balance, to_account_balance
        from pgledger_create_transfer_by_name('user1.EUR', 'user1.savings', 5.00, 'EUR');
    """)
    story.equal("by name", rows, [["4.26", "5.00"]])


def refusal(story: Story) -> None:
    story.chapter(
        "A transfer that is refused",
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
    story.say("Nor does a half of a cent slip in: dollars have two decimal places.")
    story.type(
        "select * from pgledger_create_transfer(:'wallet', :'account_1', 0.005);",
        refused="amount 0.005",
    )
    rows = story.query("""
        select name, balance, version from pgledger_accounts_view where id = :'wallet';
    """)
    story.equal("wallet", rows, [["wallet", "5.00", "2"]])
    story.say(
        """An account can be frozen for a while. Each change of an account stays on record, with
        who made it, when, and why."""
    )
    story.query("select status from pgledger_freeze_account(:'wallet', 'out', 'lost card');")
    story.type(
        "select * from pgledger_create_transfer(:'wallet', :'account_1', 1.00);",
        refused="account pgla_",
    )
    story.query("select status from pgledger_unfreeze_account(:'wallet');")
    rows = story.query("""
        select number, change, from_status, to_status, account_version, reason
        from pgledger_account_changes_view
        where account_id = :'wallet'
        order by number;
    """)
    story.equal(
        "changes",
        rows,
        [
            ["1", "freeze", "open", "frozen_out", "2", "lost card"],
            ["2", "unfreeze", "frozen_out", "open", "2", ""],
        ],
    )


def repeats(story: Story) -> None:
    story.chapter(
        "Trying again without paying twice",
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
        "Balances of the past",
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
        "The newest entries, page by page",
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
        "The proof",
        """pgledger_verify() recomputes the books from their entries. Whatever it finds stands in
        the column violations, which is zero throughout.""",
    )
    rows = story.query("select check_name, rows_checked, violations from pgledger_verify();")
    story.check("some checks", len(rows) > 5)
    for name, _, violations in rows:
        story.equal(name, violations, "0")


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
    hold,
    conditions,
    batch,
    shares,
    *LOOKING_BACK,
    proof,
)
