"""A month looked back at and closed, and what proves that nobody changed it later."""

from scripts.demo_story.story import Story


def june(story: Story) -> None:
    story.chapter(
        "June, looked back at and closed",
        """A statement begins and ends with a balance. By event, each transfer counts when it
        happened, however late the ledger learned of it.""",
    )
    rows = story.query("""
        select kind, at, amount, balance, counterparty_name
        from pgledger_statement(:'bank', '2025-06-01', '2025-07-01', axis => 'event');
    """)
    story.equal(
        "statement",
        rows,
        [
            ["opening", "2025-06-01 00:00:00+00", "", "0", ""],
            ["entry", "2025-06-12 09:30:00+00", "100.00", "100.00", "customers"],
            ["entry", "2025-06-30 23:55:00+00", "250.00", "350.00", "customers"],
            ["closing", "2025-07-01 00:00:00+00", "350.00", "350.00", ""],
        ],
    )
    story.say("The trial balance of that moment has all accounts, and its two sides are equal.")
    rows = story.query("""
        select account_name, balance, above_zero, below_zero
        from pgledger_trial_balance('2025-06-30T23:59:59.999999Z', axis => 'event')
        where balance <> 0;
    """)
    story.equal(
        "trial balance",
        rows,
        [["bank", "350.00", "350.00", "0"], ["customers", "-350.00", "0", "350.00"]],
    )
    story.say("June is reported, so it is closed: nothing can be put into it any more.")
    story.type("""
        select closed_until from pgledger_close_period('', '2025-07-01', 'June is reported');
    """)
    story.type(
        """
        select * from pgledger_create_transfer(
          :'customers', :'bank', 80.00, event_at => '2025-06-28T12:00:00Z'
        );
        """,
        refused="event_at 2025-06-28",
    )


def changes(story: Story) -> None:
    story.chapter(
        "What happened since, and a seal on it",
        """Other programs follow the books: each change comes once, in an order into which nothing
        is ever inserted, though transactions commit as they please. The cursor says where to go
        on.""",
    )
    rows = story.query("""
        select entity, change, details ->> 'amount' as amount
        from pgledger_changes() where entity = 'transfer' limit 3;
    """)
    story.equal(
        "changes",
        rows,
        [["transfer", "posted", amount] for amount in ("12.34", "56.78", "12.34")],
    )
    story.say(
        """A seal is a hash over everything so far. Kept elsewhere, it shows years later that
        nobody has touched the books, not even who owns the database."""
    )
    story.type("select block, left(root, 16) || '…' as root from pgledger_seal();")
    rows = story.query("select check_name, violations from pgledger_verify_seals();")
    story.check("some checks", len(rows) > 2)
    story.equal("violations", {violations for _, violations in rows}, {"0"})


CHAPTERS = (june, changes)
