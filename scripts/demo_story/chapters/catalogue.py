"""What is sold: features and plans."""

from scripts.demo_story.story import Story


def plan(story: Story) -> None:
    story.chapter(
        "Billing: a plan",
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
