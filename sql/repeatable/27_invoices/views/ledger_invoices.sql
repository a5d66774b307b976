/*
Invoices as applications see them, with their lines. Columns never change.
*/
create or replace view @extschema@.ledger_invoices as
select
  invoices.id,
  invoices.app_id,
  invoices.tenant_id,
  subscriptions.id as subscription_id,
  invoices.kind,
  invoices.period_start,
  invoices.period_end,
  invoices.status,
  invoices.number,
  invoices.currency,
  invoices.subtotal,
  invoices.discount,
  invoices.tax,
  invoices.total,
  invoices.credits_applied,
  invoices.amount_due,
  invoices.amount_paid,
  case
    when invoices.status = 'voided' then 0 * invoices.total
    else greatest(invoices.amount_due - invoices.amount_paid, 0 * invoices.total)
  end as amount_remaining,
  invoices.refund_due,
  invoices.unapplied,
  (
    select
      coalesce(
        jsonb_agg(
          pgledger.line_item(invoice_lines, invoices.created_at) order by invoice_lines.place
        ),
        '[]'
      )
    from pgledger.invoice_lines
    where invoice_lines.invoice_key = invoices.key
  ) as line_items,
  invoices.tax_rates,
  invoices.finalized_at,
  invoices.due_at,
  invoices.paid_at,
  invoices.voided_at,
  invoices.void_reason,
  invoices.uncollectible_at,
  invoices.version,
  invoices.metadata,
  invoices.created_at,
  invoices.updated_at
from pgledger.invoices
left join pgledger.subscriptions on invoices.subscription_key = subscriptions.key
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only;

comment on view @extschema@.ledger_invoices is 'One row an invoice, with its lines as JSON.';
comment on column @extschema@.ledger_invoices.id is 'Public id: inv_ and a ULID.';
comment on column @extschema@.ledger_invoices.app_id is 'App.';
comment on column @extschema@.ledger_invoices.tenant_id is 'Tenant who is billed.';
comment on column @extschema@.ledger_invoices.subscription_id is
  'Id of the subscription (null for a one-off invoice), or null.';
comment on column @extschema@.ledger_invoices.kind is
  'What it is for. period: what a period has come to. start: a base fee that is due at the start '
  'of the time it pays for. change: what a change of plan or quantity comes to in its period. '
  'interim: usage within a period. one_off: lines that the app gave. One of: period, start, '
  'change, interim, one_off.';
comment on column @extschema@.ledger_invoices.period_start is
  'Start of the period it is for, inclusive (null for a one-off invoice), or null.';
comment on column @extschema@.ledger_invoices.period_end is
  'End of the period it is for, exclusive (null for a one-off invoice), or null.';
comment on column @extschema@.ledger_invoices.status is
  'State; one of: draft, pending, paid, past_due, voided, uncollectible.';
comment on column @extschema@.ledger_invoices.number is
  'Number within the app, from 1 without a gap (null for a draft), or null.';
comment on column @extschema@.ledger_invoices.currency is 'Currency of all its amounts.';
comment on column @extschema@.ledger_invoices.subtotal is
  'Sum of its lines before discounts and taxes.';
comment on column @extschema@.ledger_invoices.discount is 'Sum of what coupons take off.';
comment on column @extschema@.ledger_invoices.tax is 'Sum of its taxes.';
comment on column @extschema@.ledger_invoices.total is
  'What it comes to: subtotal less discount plus tax; below zero where it credits more than it '
  'charges.';
comment on column @extschema@.ledger_invoices.credits_applied is
  'What credits of other invoices have paid of the total.';
comment on column @extschema@.ledger_invoices.amount_due is
  'What is to be paid: total less credits_applied, at least 0.';
comment on column @extschema@.ledger_invoices.amount_paid is 'Sum of the payments made on it.';
comment on column @extschema@.ledger_invoices.amount_remaining is
  'What is still to be paid; 0 for a voided invoice.';
comment on column @extschema@.ledger_invoices.refund_due is
  'What is to be paid back: the part of a total below zero that goes back as money.';
comment on column @extschema@.ledger_invoices.unapplied is
  'What was paid too much, or credited beyond what was open and is not refunded: kept for the '
  'tenant, and not yet used.';
comment on column @extschema@.ledger_invoices.line_items is
  'JSON array of its lines, in their order; numbers and times are strings.';
comment on column @extschema@.ledger_invoices.tax_rates is
  'JSON array of the tax rates it was computed with, as given.';
comment on column @extschema@.ledger_invoices.finalized_at is 'When it became final, or null.';
comment on column @extschema@.ledger_invoices.due_at is 'When it is to be paid, or null.';
comment on column @extschema@.ledger_invoices.paid_at is 'When its payments covered it, or null.';
comment on column @extschema@.ledger_invoices.voided_at is 'When it was voided, or null.';
comment on column @extschema@.ledger_invoices.void_reason is
  'Why it was voided, as given, or null.';
comment on column @extschema@.ledger_invoices.uncollectible_at is
  'When it was given up as uncollectible, or null.';
comment on column @extschema@.ledger_invoices.version is 'Counts changes, from 1.';
comment on column @extschema@.ledger_invoices.metadata is 'JSON object of the app''s own, or null.';
comment on column @extschema@.ledger_invoices.created_at is 'When it was drawn up.';
comment on column @extschema@.ledger_invoices.updated_at is 'When it was last changed.';

revoke all on table @extschema@.ledger_invoices from public;
grant select on table @extschema@.ledger_invoices to pgledger_reader;
