"""How much more of a feature a tenant may use."""

from scripts.demo_story.story import Story


def quota(story: Story) -> None:
    story.chapter(
        "A quota",
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
