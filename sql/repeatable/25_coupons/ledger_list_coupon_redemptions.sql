/*
The order is that of ids, which for generated ids is the order in which they were made.

Checks, in this order: app_id, tenant_id, page_size, page_offset.
*/
create or replace function @extschema@.ledger_list_coupon_redemptions(
  app_id text,
  tenant_id text,
  page_size integer default 100,
  page_offset bigint default 0
)
returns setof @extschema@.ledger_coupon_redemption
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_page(page_size, page_offset);

  return query
  select
    coupon_redemptions.id, coupon_redemptions.app_id, coupon_redemptions.tenant_id, coupons.id,
    coupons.code, subscriptions.id,
    case
      when coupon_redemptions.uses_left = 0 or coupon_redemptions.amount_left = 0 then 'used'
      else 'active'
    end,
    coupon_redemptions.uses_left, coupon_redemptions.amount_left, coupon_redemptions.created_at
  from pgledger.coupon_redemptions
  inner join pgledger.coupons on coupon_redemptions.coupon_key = coupons.key
  left join pgledger.subscriptions on coupon_redemptions.subscription_key = subscriptions.key
  where coupon_redemptions.app_id = ledger_list_coupon_redemptions.app_id
    and coupon_redemptions.tenant_id = ledger_list_coupon_redemptions.tenant_id
  order by coupon_redemptions.id
  limit ledger_list_coupon_redemptions.page_size
  offset ledger_list_coupon_redemptions.page_offset;
end;
$$;

comment on function @extschema@.ledger_list_coupon_redemptions is
$$Returns a page of the coupons that a tenant has redeemed, the oldest first.

app_id: App.
tenant_id: Tenant that redeemed them.
page_size: How many at most, 1 to 10,000.
page_offset: How many to leave out before them.

Returns: Redemptions, by their ids.

Errors: NullArgument, InvalidScope, InvalidPage.$$;

revoke all on function @extschema@.ledger_list_coupon_redemptions from public;
grant execute on function @extschema@.ledger_list_coupon_redemptions to pgledger_reader;
