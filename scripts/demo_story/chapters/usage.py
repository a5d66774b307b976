"""Events that are counted once."""

from scripts.demo_story.story import Story


def usage(story: Story) -> None:
    story.chapter(
        "Usage, counted once",
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
