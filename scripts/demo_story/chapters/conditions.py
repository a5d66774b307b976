"""Conditions, what would happen, one answer for each request; shares, and an account's end."""

from typing import Final

from scripts.demo_story.story import Story

_PAYOUTS: Final = """
        select request_index, status, error_name, to_account_balance
        from {call}(
          array[:'shop', :'shop', :'shop'],
          array[:'wallet', :'bank', :'wallet'],
          array[0.50, 99.00, 0.25]
        );
"""


def conditions(story: Story) -> None:
    story.chapter(
        "Only if nothing has changed",
        """A transfer can say what it was decided on. A version counts an account's entries, so it
        tells whether anything came in between.""",
    )
    story.type("select version as seen from pgledger_accounts_view where id = :'wallet' \\gset")
    sql = """
        select from_account_balance, to_account_balance
        from pgledger_create_transfer(
          :'wallet', :'shop', 1.00, require_from_version => :seen
        );
    """
    story.equal("order", story.query(sql), [["2.50", "2.50"]])
    story.say("Whoever decided on the same version comes too late.")
    story.type(sql, refused="account pgla_")


def batch(story: Story) -> None:
    story.chapter(
        "A batch with a bad request",
        """A preview makes every check, and moves nothing. The second request would leave the shop
        below zero, where a limit now keeps it; the third counts on the first alone.""",
    )
    rows = story.query(
        "select min_balance, max_balance from pgledger_set_limits(:'shop', 0, null);"
    )
    story.equal("limits", rows, [["0", ""]])
    rows = [
        ["1", "posted", "", "3.00"],
        ["2", "failed", "InsufficientFunds", ""],
        ["3", "posted", "", "3.25"],
    ]
    story.equal("preview", story.query(_PAYOUTS.format(call="pgledger_preview_transfers")), rows)
    story.say("The same as a call that posts: what is refused does not stop the others.")
    call = "pgledger_create_transfers_outcomes"
    story.equal("outcomes", story.query(_PAYOUTS.format(call=call)), rows)


def shares(story: Story) -> None:
    story.chapter(
        "Shares, a sweep, and the end of an account",
        """An amount is divided so that not a cent is lost. A sweep moves what an account can
        spare, whatever that is by then. Empty, the account can be closed; its history stays.""",
    )
    rows = story.query("select pgledger_allocate(10.00, array[1, 1, 1], scale => 2) as shares;")
    story.equal("shares", rows, [["{3.34,3.33,3.33}"]])
    rows = story.query("""
        select amount, from_account_balance, to_account_balance
        from pgledger_sweep(:'shop', :'bank');
    """)
    story.equal("sweep", rows, [["1.75", "0.00", "456.75"]])
    rows = story.query("select status from pgledger_close_account(:'shop', 'moved away');")
    story.equal("status", rows, [["closed"]])
    story.type(
        "select * from pgledger_create_transfer(:'wallet', :'shop', 1.00);", refused="account pgla_"
    )
