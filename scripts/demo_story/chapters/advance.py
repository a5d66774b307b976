"""What is due by the clock."""

from scripts.demo_story.story import Story


def clock(story: Story) -> None:
    story.chapter(
        "Time passes",
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
