/*
What ledger_generate_invoice would answer, without an id. Of an invoice that stands: as it is.

What the clock has decided and nobody has written down yet is written down for the answer and then
rolled back, so nothing stays written. Only this locks the subscription, fails like a write in a
transaction with an old snapshot, and needs one that may write; one that may not is answered as of
what is written down.

Checks, in this order: app_id, tenant_id, subscription_id, existence, kind, at, tax_rates.
Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, InvalidArgument, InvalidTime,
InvalidInvoice, UsagePurged.
*/
create or replace function ledger_preview_invoice(
  app_id text,
  tenant_id text,
  subscription_id text,
  at timestamptz default null,
  kind text default 'period',
  tax_rates jsonb default null
)
returns ledger_invoice_preview
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_subscription pgledger.subscriptions;
  v_answer record;
begin
  perform pgledger.check_billing_scope(app_id, tenant_id);
  perform pgledger.check_id('subscription_id', subscription_id, 'sub');
  v_subscription := (
    select subscriptions
    from pgledger.subscriptions
    where subscriptions.id = ledger_preview_invoice.subscription_id
      and subscriptions.app_id = ledger_preview_invoice.app_id
      and subscriptions.tenant_id = ledger_preview_invoice.tenant_id
  );
  if v_subscription.key is null then
    perform pgledger.fail(
      'SubscriptionNotFound', array[subscription_id, pgledger.in_catalogue(app_id, tenant_id)]
    );
  end if;
  if (v_subscription.due_at <= pgledger.clock()) is not true
    or current_setting('transaction_read_only')::boolean then
    return pgledger.preview_invoice(v_subscription, at, kind, tax_rates);
  end if;

  begin
    v_subscription := pgledger.advance_subscription(
      pgledger.lock_subscription(app_id, tenant_id, subscription_id), pgledger.clock()
    );
    v_answer := pgledger.preview_invoice(v_subscription, at, kind, tax_rates);
    -- Not an error of ours: one that ends in 000 would stand for all of them.
    raise sqlstate 'LGPRE';
  exception
    when sqlstate 'LGPRE' then
      return v_answer;
  end;
end;
$$;

comment on function ledger_preview_invoice is
$$Returns what ledger_generate_invoice would, and writes nothing down.

The function behind it is ledger_preview_invoice.

[[was: What a subscription's invoice for a period comes to as of now: the
answer of ledger_generate_invoice, computed anew if there is a draft, without
an id, and nothing stays written. Waits for who is changing the subscription
only where ledger_advance is due for it; a read-only transaction is answered
as of what ledger_advance has written down. Arguments as for
ledger_generate_invoice.]]

app_id: App.
tenant_id: Who would be billed.
subscription_id: For which subscription.
at: A time in the period; null for the current one, or null.
kind: period, start or interim, as for ledger_generate_invoice.
tax_rates: Tax rates, as for ledger_create_subscription; null for the
  subscription's, or null.

Returns: The draft as of now, computed anew if there is one, and without an
  id; what is final already is returned as it is.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), InvalidArgument (there is no such kind, or
  the subscription has no period at that time), InvalidTime (at is outside the
  years 1 to 9999), InvalidInvoice (tax_rates are not valid; the message names
  the path), UsagePurged (usage events of the period may have been purged).$$;

revoke all on function ledger_preview_invoice from public;
grant execute on function ledger_preview_invoice to pgledger_reader;
