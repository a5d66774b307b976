/*
Payments as applications see them. Columns never change.
*/
create or replace view @extschema@.ledger_invoice_payments as
select
  invoice_payments.id,
  invoice_payments.app_id,
  invoice_payments.tenant_id,
  invoices.id as invoice_id,
  invoice_payments.amount,
  invoices.currency,
  invoice_payments.reference,
  invoice_payments.paid_at,
  invoice_payments.created_at
from pgledger.invoice_payments
inner join pgledger.invoices on invoice_payments.invoice_key = invoices.key
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only;

comment on view @extschema@.ledger_invoice_payments is 'One row a payment made on an invoice.';
comment on column @extschema@.ledger_invoice_payments.id is 'Public id: pay_ and a ULID.';
comment on column @extschema@.ledger_invoice_payments.app_id is 'App.';
comment on column @extschema@.ledger_invoice_payments.tenant_id is 'Tenant who paid.';
comment on column @extschema@.ledger_invoice_payments.invoice_id is 'Id of the invoice.';
comment on column @extschema@.ledger_invoice_payments.amount is
  'Amount in the invoice''s currency.';
comment on column @extschema@.ledger_invoice_payments.currency is 'Currency of the amount.';
comment on column @extschema@.ledger_invoice_payments.reference is
  'What the payment is called where it was made, or null.';
comment on column @extschema@.ledger_invoice_payments.paid_at is 'When it was paid.';
comment on column @extschema@.ledger_invoice_payments.created_at is 'When it was written down.';

revoke all on table @extschema@.ledger_invoice_payments from public;
grant select on table @extschema@.ledger_invoice_payments to pgledger_reader;
