/*
By id, which for generated ids is the order of creation.

Checks, in this order: app_id, tenant_id, status, page_size, page_offset.
Errors: NullArgument, InvalidScope, InvalidArgument, InvalidPage.
*/
create or replace function @extschema@.ledger_list_invoices(
  app_id text,
  tenant_id text,
  status text default null,
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
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  if status is not null then
    v_ok := pgledger.check_choice(
      'status',
      status,
      array['draft', 'pending', 'paid', 'past_due', 'voided', 'uncollectible']
    );
  end if;
  v_ok := pgledger.check_page(page_size, page_offset);

  for v_key in
    select invoices.key
    from pgledger.invoices
    where invoices.app_id = ledger_list_invoices.app_id
      and invoices.tenant_id = ledger_list_invoices.tenant_id
      and (
        ledger_list_invoices.status is null or invoices.status = ledger_list_invoices.status
      )
    order by invoices.id
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

Returns: A page of invoices, by id.

Errors: NullArgument, InvalidScope, InvalidArgument (there is no such status),
  InvalidPage.$$;

revoke all on function @extschema@.ledger_list_invoices from public;
grant execute on function @extschema@.ledger_list_invoices to pgledger_reader;
