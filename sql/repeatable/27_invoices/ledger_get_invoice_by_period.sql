/*
An invoice that was voided does not count: another may have taken its place.

Checks, in this order: app_id, tenant_id, subscription_id, at, kind, existence of the subscription.
Errors: NullArgument, InvalidScope, InvalidId, InvalidTime, InvalidArgument, SubscriptionNotFound.
*/
create or replace function @extschema@.ledger_get_invoice_by_period(
  app_id text,
  tenant_id text,
  subscription_id text,
  at timestamptz,
  kind text default 'period'
)
returns setof @extschema@.ledger_invoice
language plpgsql
stable
parallel safe
rows 1
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_subscription_key bigint;
  v_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_id('subscription_id', subscription_id, 'sub');
  if at is null then
    v_ok := pgledger.fail('NullArgument', array['at']);
  elsif pgledger.time_fault(at) is not null then
    v_ok := pgledger.fail('InvalidTime', array['at', at::text, pgledger.time_fault(at)]);
  end if;
  v_ok := pgledger.check_choice('kind', kind, array['period', 'start', 'change', 'interim']);

  select subscriptions.key
  into v_subscription_key
  from pgledger.subscriptions
  where subscriptions.id = ledger_get_invoice_by_period.subscription_id
    and subscriptions.app_id = ledger_get_invoice_by_period.app_id
    and subscriptions.tenant_id = ledger_get_invoice_by_period.tenant_id;
  if not found then
    v_ok := pgledger.fail(
      'SubscriptionNotFound', array[subscription_id, pgledger.in_catalogue(app_id, tenant_id)]
    );
  end if;

  select invoices.key
  into v_key
  from pgledger.invoices
  where invoices.subscription_key = v_subscription_key
    and invoices.kind = ledger_get_invoice_by_period.kind
    and invoices.status <> 'voided'
    and invoices.period_start <= ledger_get_invoice_by_period.at
    and invoices.period_end > ledger_get_invoice_by_period.at
  order by invoices.period_start desc, invoices.change_version desc
  limit 1;

  if found then
    return next pgledger.invoice_with_key(v_key);
  end if;
end;
$$;

comment on function @extschema@.ledger_get_invoice_by_period is
$$Returns the invoice of a subscription's period.

app_id: App that the tenant belongs to.
tenant_id: Who is billed.
subscription_id: For which subscription.
at: A time in the period: not before its start, and before its end.
kind: What the invoice is for, as for ledger_generate_invoice; of several for
  changes it is that of the last. One of: period, start, change, interim.

Returns: The invoice that is not voided, or no row.

Errors: NullArgument, InvalidScope, InvalidId, InvalidTime (at is outside the
  years 1 to 9999), InvalidArgument (there is no such kind),
  SubscriptionNotFound (the tenant has no such subscription).$$;

revoke all on function @extschema@.ledger_get_invoice_by_period from public;
grant execute on function @extschema@.ledger_get_invoice_by_period to pgledger_reader;
