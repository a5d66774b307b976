"""Who has which plan since when."""

from scripts.demo_story.story import Story


def subscription(story: Story) -> None:
    story.chapter(
        "A subscription",
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
