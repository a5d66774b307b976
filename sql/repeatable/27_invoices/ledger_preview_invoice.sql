/*
What the clock has decided about the subscription and nobody has written down yet is written down
for the answer and rolled back after it. Only then does a preview lock the subscription, need a
transaction that may write, and fail in one with an old snapshot as a write does.

Checks, in this order: app_id, tenant_id, subscription_id, existence, its time zone, kind, at,
tax_rates, the period, purged usage.
Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound, UnknownTimeZone,
InvalidArgument, InvalidTime, InvalidInvoice, UsagePurged.
*/
create or replace function @extschema@.ledger_preview_invoice(
  app_id text,
  tenant_id text,
  subscription_id text,
  at timestamptz default null,
  kind text default 'period',
  tax_rates jsonb default null
)
returns @extschema@.ledger_invoice_preview
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_subscription pgledger.subscriptions;
  v_answer record;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_id('subscription_id', subscription_id, 'sub');
  v_subscription := (
    select subscriptions
    from pgledger.subscriptions
    where subscriptions.id = ledger_preview_invoice.subscription_id
      and subscriptions.app_id = ledger_preview_invoice.app_id
      and subscriptions.tenant_id = ledger_preview_invoice.tenant_id
  );
  if v_subscription.key is null then
    v_ok := pgledger.fail(
      'SubscriptionNotFound', array[subscription_id, pgledger.in_catalogue(app_id, tenant_id)]
    );
  end if;
  v_ok := pgledger.check_zones(v_subscription);
  if (v_subscription.due_at <= pgledger.clock()) is not true
    or current_setting('transaction_read_only')::boolean then
    return pgledger.preview_invoice(v_subscription, at, kind, tax_rates);
  end if;

  begin
    v_subscription := pgledger.advance_subscription(
      pgledger.lock_subscription(app_id, tenant_id, subscription_id), pgledger.clock()
    );
    v_answer := pgledger.preview_invoice(v_subscription, at, kind, tax_rates);
    -- A code that no error of ours has; one that ends in 000 would stand for its whole class.
    raise sqlstate 'LGPRE';
  exception
    when sqlstate 'LGPRE' then
      return v_answer;
  end;
end;
$$;

comment on function @extschema@.ledger_preview_invoice is
$$Returns what ledger_generate_invoice would, and writes nothing down.

It waits for a transaction that is changing the subscription only where
ledger_advance is due for it. In a read-only transaction the answer is as of
what ledger_advance has written down.

app_id: App that the tenant belongs to.
tenant_id: Who would be billed.
subscription_id: For which subscription.
at: A time in the period; null for the current period.
kind: What it is for, as for ledger_generate_invoice. One of: period, start,
  change, interim.
tax_rates: JSON array of its tax rates, as for ledger_create_subscription;
  null for those of the draft, if there is one, and else for the
  subscription's.

Returns: The draft as of now, without an id, and computed anew if there is
  one. What is final already is returned as it is.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), UnknownTimeZone (the server does not know
  its time zone any more), InvalidArgument (there is no such kind, the
  subscription has no period at that time, kind is start and it was not active
  in that period, or kind is change and it did not change), InvalidTime (at is
  outside the years 1 to 9999), InvalidInvoice (tax_rates are not valid; the
  message names the path), UsagePurged (usage events of the period may have
  been purged).$$;

revoke all on function @extschema@.ledger_preview_invoice from public;
grant execute on function @extschema@.ledger_preview_invoice to pgledger_reader;
