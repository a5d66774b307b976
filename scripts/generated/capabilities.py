"""The name of each capability, and what it is about, for people."""

from typing import Final

# Title of the page, and a sentence, by the name of the folder without its number.
CAPABILITIES: Final = {
    "core": ("Ids and errors", "What everything else stands on: time, texts, errors, ids, checks."),
    "ledger": ("Ledger", "Accounts, transfers, their history, and the proof that all is right."),
    "catalogue": ("Catalogue", "Features, plans and currencies: what an app sells."),
    "prices": ("Prices", "What usage costs under a price."),
    "subscriptions": ("Subscriptions", "Which tenant has which plan, since when and until when."),
    "usage": ("Usage", "What tenants used: events, what they come to, and their purge."),
    "entitlements": ("Entitlements", "What a tenant may use now, and how much of it is left."),
    "coupons": ("Coupons", "Discounts that tenants redeem by a code."),
    "taxes": ("Taxes", "Tax rates of invoices, and taxes of what is given back."),
    "invoices": ("Invoices", "What a tenant is billed: drafts, final invoices, their lines."),
    "payments": ("Payments", "Money that came in for invoices."),
    "advance": ("Advance", "What the clock has made due: periods, cancellations, invoices."),
    "tenants": ("Tenants' roles", "Database roles that read the rows of one tenant alone."),
}
