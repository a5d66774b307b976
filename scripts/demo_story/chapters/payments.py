"""What is paid, and what that makes of an invoice."""

from scripts.demo_story.story import Story


def payment(story: Story) -> None:
    story.chapter(
        "A payment in two parts",
        """What is paid is written down until it covers what is due. Paid is final: the invoice
        cannot be voided any more.""",
    )
    story.type("""
        select id as invoice
        from ledger_get_invoice_by_period(
          'maps', 'globex', :'subscription', at => now() - interval '20 days'
        ) \\gset
    """)
    for amount, answer in (
        ("50.00", ["pending", "86.18", "50.00", "36.18"]),
        ("36.18", ["paid", "86.18", "86.18", "0.00"]),
    ):
        rows = story.query(f"""
            select status, amount_due, amount_paid, amount_remaining
            from ledger_record_payment('maps', 'globex', :'invoice', {amount});
        """)
        story.equal("invoice", rows, [answer])
    output = story.type(
        "select status from ledger_mark_invoice_voided('maps', 'globex', :'invoice');",
        refused="invoice inv_",
    )
    story.check("both states named", "is paid and cannot become voided" in output)
