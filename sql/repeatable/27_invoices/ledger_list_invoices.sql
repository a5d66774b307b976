/*
By id, which for generated ids is the order of creation.

Checks, in this order: app_id, tenant_id, status, period_from, period_until, page_size, page_offset,
newest_first.
Errors: NullArgument, InvalidScope, InvalidArgument, InvalidTime, InvalidPage.
*/
create or replace function @extschema@.ledger_list_invoices(
  app_id text,
  tenant_id text,
  status text default null,
  page_size integer default 100,
  page_offset bigint default 0,
  newest_first boolean default false,
  period_from timestamptz default null,
  period_until timestamptz default null
)
returns setof @extschema@.ledger_invoice
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_invoice_filter(status, period_from, period_until);
  v_ok := pgledger.check_page(page_size, page_offset);
  if newest_first is null then
    v_ok := pgledger.fail('NullArgument', array['newest_first']);
  end if;

  for v_key in
    select invoices.key
    from pgledger.invoices
    where invoices.app_id = ledger_list_invoices.app_id
      and invoices.tenant_id = ledger_list_invoices.tenant_id
      and (
        ledger_list_invoices.status is null or invoices.status = ledger_list_invoices.status
      )
      and (
        ledger_list_invoices.period_from is null
        or invoices.period_start >= ledger_list_invoices.period_from
      )
      and (
        ledger_list_invoices.period_until is null
        or invoices.period_start < ledger_list_invoices.period_until
      )
    order by
      case when not ledger_list_invoices.newest_first then invoices.id end,
      invoices.id desc
    limit ledger_list_invoices.page_size
    offset ledger_list_invoices.page_offset
  loop
    return next pgledger.invoice_with_key(v_key);
  end loop;
end;
$$;

comment on function @extschema@.ledger_list_invoices is
$$Returns a tenant's invoices, the newest last.

app_id: App that the tenant belongs to.
tenant_id: Who is billed.
status: Only invoices in this state; one of: draft, pending, paid, past_due,
  voided, uncollectible; null for all.
page_size: How many at most, 1 to 10,000.
page_offset: How many to leave out before them, 0 or more.
newest_first: Whether the newest comes first.
period_from: Only invoices whose period starts then or later; null for all,
  also for those of one-off invoices, which have no period.
period_until: Only invoices whose period starts before; null for all.

Returns: A page of invoices, by id.

Errors: NullArgument, InvalidScope, InvalidArgument (there is no such status),
  InvalidTime (a time is outside the years 1 to 9999, or period_until is not
  after period_from), InvalidPage.$$;

revoke all on function @extschema@.ledger_list_invoices from public;
grant execute on function @extschema@.ledger_list_invoices to pgledger_reader;
