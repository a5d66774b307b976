/*
A repeated call is compared with the coupon as it stands; once the coupon has been updated, only
what an update cannot change is compared.

Locks a currency of the app's own FOR SHARE.

Checks, in this order: app_id, tenant_id, code, percentage, amount, currency for null, duration,
duration_invoices, applies_to, minimum_subtotal, name, valid_from, valid_until, max_redemptions,
max_redemptions_per_tenant, metadata, id, repeat, whether the currency is known, decimals of amount
and minimum_subtotal, whether the code is taken.
*/
create or replace function @extschema@.ledger_create_coupon(
  app_id text,
  code text,
  name text default null,
  percentage numeric default null,
  amount numeric default null,
  currency text default null,
  duration text default 'once',
  duration_invoices integer default null,
  applies_to text[] default null,
  minimum_subtotal numeric default null,
  valid_from timestamptz default null,
  valid_until timestamptz default null,
  max_redemptions bigint default null,
  max_redemptions_per_tenant bigint default null,
  metadata jsonb default null,
  id text default null,
  tenant_id text default ''
)
returns @extschema@.ledger_coupon
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_new pgledger.coupons;
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id, tenant_id);
  v_ok := pgledger.check_text('code', code, 64);

  v_new.id := coalesce(id, 'cpn_' || pgledger.new_ulid(v_now));
  v_new.app_id := app_id;
  v_new.tenant_id := tenant_id;
  v_new.code := code;
  v_new.name := coalesce(name, code);
  v_new.percentage := percentage;
  v_new.amount := amount;
  v_new.currency := currency;
  v_new.duration := duration;
  v_new.duration_invoices := duration_invoices;
  v_new.applies_to := applies_to;
  v_new.minimum_subtotal := minimum_subtotal;
  v_new.valid_from := valid_from;
  v_new.valid_until := valid_until;
  v_new.max_redemptions := max_redemptions;
  v_new.max_redemptions_per_tenant := max_redemptions_per_tenant;
  v_new.metadata := metadata;
  v_new.created_at := v_now;
  v_ok := pgledger.check_coupon_discount(v_new);
  v_ok := pgledger.check_coupon_terms(v_new);
  v_ok := pgledger.check_id('id', v_new.id, 'cpn');
  -- An array that does not count from 1 would differ from one of the same elements.
  v_new.applies_to := applies_to[:];

  v_new.key := pgledger.repeated_coupon(v_new);
  if v_new.key is null then
    v_new.key := pgledger.insert_coupon(v_new);
  end if;

  return pgledger.coupon_with_key(v_new.key);
end;
$$;

comment on function @extschema@.ledger_create_coupon is
$$Creates a coupon, for the whole app or for one tenant.

A coupon takes off a percentage or an amount: one of the two is given. What it
takes off, off which lines and for how long never changes.

With an id of the caller's choice the call can be repeated: the second call
returns the coupon as it is now if it asks for the same.

app_id: App that it belongs to.
code: What is typed to redeem it, unique in the app (and tenant) among those
  that are not archived: 1 to 64 visible characters.
name: Name for people, which stands on invoices, 1 to 255 characters; null for
  the code.
percentage: Percent off, above 0 to 100, at most 18 decimal places; null for
  an amount.
amount: Amount off in currency, above 0, below 1e30, with no more decimal
  places than the currency; null for a percentage.
currency: Currency of amount and minimum_subtotal: a code of ISO 4217, or one
  that the app has defined. With one, the coupon is for invoices in it only;
  null for invoices in any.
duration: How many invoices a redemption reduces; one of: once, repeating,
  forever.
duration_invoices: How many invoices a repeating one reduces, 1 to 1000; null
  for the others.
applies_to: Which lines it reduces: 1 to 100 keys of features, base for the
  base fee, or items of one-off lines; null for the whole invoice.
minimum_subtotal: Sum of an invoice's lines, before discounts, from which on
  it applies, in currency, above 0; null for any.
valid_from: From when on it can be redeemed, inclusive; null for any time.
valid_until: Until when it can be redeemed, exclusive; null for ever.
max_redemptions: How often it can be redeemed in all, 1 or more; null for any
  number of times.
max_redemptions_per_tenant: How often one tenant can redeem it, 1 or more;
  null for any number of times.
metadata: JSON object of the app's own, at most 64 KiB, or null.
id: Id of the coupon, cpn_ and a ULID, if the caller chooses it; null for a
  new one.
tenant_id: The one tenant that it is for; the empty text for all.

Returns: The coupon.

Errors: NullArgument, InvalidScope, InvalidArgument (the code, the name, the
  discount, the duration or a limit is not valid), InvalidAmount (the amount
  is not in range, or has too many decimal places), InvalidTime (a time is
  outside the years 1 to 9999, or the end is not after the start),
  InvalidMetadata, InvalidId, IdempotencyConflict (the id is taken by a
  different coupon), UnknownCurrency (the currency is neither of ISO 4217 nor
  the app's own), AlreadyExists (the code is taken).$$;

revoke all on function @extschema@.ledger_create_coupon from public;
grant execute on function @extschema@.ledger_create_coupon to pgledger_poster;
