/*
Checks, in this order: app_id, page_size, page_offset.
Errors: NullArgument, InvalidScope, InvalidPage.
*/
create or replace function @extschema@.ledger_list_app_pending_invoices(
  app_id text,
  page_size integer default 100,
  page_offset bigint default 0
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
  v_ok := pgledger.check_app(app_id);
  v_ok := pgledger.check_page(page_size, page_offset);

  for v_key in
    select invoices.key
    from pgledger.invoices
    where invoices.app_id = ledger_list_app_pending_invoices.app_id
      and invoices.status in ('pending', 'past_due')
    order by invoices.due_at, invoices.id
    limit ledger_list_app_pending_invoices.page_size
    offset ledger_list_app_pending_invoices.page_offset
  loop
    return next pgledger.invoice_with_key(v_key);
  end loop;
end;
$$;

comment on function @extschema@.ledger_list_app_pending_invoices is
$$Returns the invoices that the tenants of an app are to pay.

For the newest first, call ledger_list_app_invoices with a status.

app_id: App.
page_size: How many at most, 1 to 10,000.
page_offset: How many to leave out before them, 0 or more.

Returns: A page of invoices of all tenants that are pending or past due, the
  longest due first.

Errors: NullArgument, InvalidScope, InvalidPage.$$;

revoke all on function @extschema@.ledger_list_app_pending_invoices from public;
grant execute on function @extschema@.ledger_list_app_pending_invoices to pgledger_reader;
