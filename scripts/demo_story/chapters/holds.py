"""A hold on a card."""

from scripts.demo_story.story import Story


def hold(story: Story) -> None:
    story.chapter(
        "A hold on a card, and a refund",
        """A hold keeps an amount back on one account for another, as the authorisation of a card
        does. It counts at once, and no balance changes until it is posted.""",
    )
    story.type("select id as shop from pgledger_create_account('shop', 'USD') \\gset")
    story.type("""
        select id as hold
        from pgledger_create_hold(:'wallet', :'shop', 4.00, expires_in => '7 days') \\gset
    """)
    rows = story.query("""
        select name, balance, held_out, available_balance
        from pgledger_accounts_view where id = :'wallet';
    """)
    story.equal("wallet", rows, [["wallet", "5.00", "4.00", "1.00"]])
    story.say("A part of it is captured, and the rest is free again.")
    rows = story.query("""
        select amount, from_account_balance, to_account_balance
        from pgledger_post_hold(:'hold', 3.00);
    """)
    story.equal("capture", rows, [["3.00", "2.00", "3.00"]])
    rows = story.query("select status, amount, posted_amount from pgledger_get_hold(:'hold');")
    story.equal("hold", rows, [["posted", "4.00", "3.00"]])
    story.say("A part of the sale goes back. No more than the rest of it ever can.")
    story.type("select id as sale from pgledger_transfers_view where origin_id = :'hold' \\gset")
    rows = story.query("""
        select amount, from_account_balance, to_account_balance
        from pgledger_reverse_transfer(:'sale', 1.25);
    """)
    story.equal("refund", rows, [["1.25", "1.75", "3.25"]])
    story.type("select pgledger_reverse_transfer(:'sale', 2.00);", refused="transfer pglt_")
    story.say("A message that comes twice has a key, and moves its amount once.")
    for replayed in "ft":
        rows = story.query("""
            select from_account_balance, replayed
            from pgledger_create_transfer(
              :'shop', :'wallet', 0.25, idempotency_key => 'evt_1NxQ'
            );
        """)
        story.equal("message", rows, [["1.50", replayed]])
