"""An invoice with usage, a coupon and a tax."""

from decimal import Decimal

from scripts.demo_story.story import Story


def invoice(story: Story) -> None:
    story.chapter(
        "An invoice",
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
