/*
The order is that of ids, which for generated ids is the order of creation.

Checks, in this order: app_id, tenant_id, active_only, page_size, page_offset.
*/
create or replace function @extschema@.ledger_list_coupons(
  app_id text,
  active_only boolean default false,
  page_size integer default 100,
  page_offset bigint default 0,
  tenant_id text default null
)
returns setof @extschema@.ledger_coupon
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id, coalesce(tenant_id, ''));
  if active_only is null then
    v_ok := pgledger.fail('NullArgument', array['active_only']);
  end if;
  v_ok := pgledger.check_page(page_size, page_offset);

  return query
  select
    coupons.id, coupons.app_id, coupons.tenant_id, coupons.code, coupons.name,
    coupons.percentage, coupons.amount, coupons.currency, coupons.duration,
    coupons.duration_invoices, coupons.applies_to, coupons.minimum_subtotal, coupons.valid_from,
    coupons.valid_until, coupons.max_redemptions, coupons.max_redemptions_per_tenant,
    coupons.redemptions, coupons.status, coupons.version, coupons.metadata, coupons.created_at,
    coupons.updated_at
  from pgledger.coupons
  where coupons.app_id = ledger_list_coupons.app_id
    and (
      not ledger_list_coupons.active_only
      or (
        coupons.status = 'active'
        and (coupons.valid_until > v_now or coupons.valid_until is null)
        and (coupons.redemptions < coupons.max_redemptions or coupons.max_redemptions is null)
      )
    )
    and (
      ledger_list_coupons.tenant_id is null
      or coupons.tenant_id in (ledger_list_coupons.tenant_id, '')
    )
  order by coupons.id
  limit ledger_list_coupons.page_size
  offset ledger_list_coupons.page_offset;
end;
$$;

comment on function @extschema@.ledger_list_coupons is
$$Returns a page of an app's coupons, the oldest first.

app_id: App that they belong to.
active_only: True to leave out those that are archived, past their time or
  used up.
page_size: How many at most, 1 to 10,000.
page_offset: How many to leave out before them.
tenant_id: Tenant to list those for: its own and those for all tenants; the
  empty text for the latter alone; null for all of the app.

Returns: Coupons, by their ids.

Errors: NullArgument, InvalidScope, InvalidPage.$$;

revoke all on function @extschema@.ledger_list_coupons from public;
grant execute on function @extschema@.ledger_list_coupons to pgledger_reader;
