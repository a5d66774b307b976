/*
Every sequence that gives keys: the greatest key in use, and the one that it would give next. A
sequence says only how far it has got, so each stands here by name, beside its table. Keys of usage
events hold the number of a call in their upper bits, and no index finds the greatest of them.
*/
create or replace function pgledger.key_sequences()
returns table (
  name text,
  greatest_key bigint,
  next_key bigint
)
language sql
stable
parallel safe
as $$
  select
    known.name, known.greatest_key, known.last_value + case when known.is_called then 1 else 0 end
  from (
    select
      'accounts_key_seq', (select max(accounts.key) from pgledger.accounts),
      accounts_key_seq.last_value, accounts_key_seq.is_called
    from pgledger.accounts_key_seq
    union all
    select
      'tenants_key_seq', (select max(tenants.key) from pgledger.tenants),
      tenants_key_seq.last_value, tenants_key_seq.is_called
    from pgledger.tenants_key_seq
    union all
    select
      'plans_key_seq', (select max(plans.key) from pgledger.plans),
      plans_key_seq.last_value, plans_key_seq.is_called
    from pgledger.plans_key_seq
    union all
    select
      'subscriptions_key_seq', (select max(subscriptions.key) from pgledger.subscriptions),
      subscriptions_key_seq.last_value, subscriptions_key_seq.is_called
    from pgledger.subscriptions_key_seq
    union all
    select
      'meters_key_seq', (select max(meters.key) from pgledger.meters),
      meters_key_seq.last_value, meters_key_seq.is_called
    from pgledger.meters_key_seq
    union all
    select
      'coupons_key_seq', (select max(coupons.key) from pgledger.coupons),
      coupons_key_seq.last_value, coupons_key_seq.is_called
    from pgledger.coupons_key_seq
    union all
    select
      'coupon_redemptions_key_seq',
      (select max(coupon_redemptions.key) from pgledger.coupon_redemptions),
      coupon_redemptions_key_seq.last_value, coupon_redemptions_key_seq.is_called
    from pgledger.coupon_redemptions_key_seq
    union all
    select
      'invoices_key_seq', (select max(invoices.key) from pgledger.invoices),
      invoices_key_seq.last_value, invoices_key_seq.is_called
    from pgledger.invoices_key_seq
    union all
    select
      'invoice_payments_key_seq', (select max(invoice_payments.key) from pgledger.invoice_payments),
      invoice_payments_key_seq.last_value, invoice_payments_key_seq.is_called
    from pgledger.invoice_payments_key_seq
    union all
    select
      'noted_changes_number_seq', (select max(noted_changes.number) from pgledger.noted_changes),
      noted_changes_number_seq.last_value, noted_changes_number_seq.is_called
    from pgledger.noted_changes_number_seq
    union all
    select
      'usage_calls_seq', (select max(usage_events.key) >> 20 from pgledger.usage_events),
      usage_calls_seq.last_value, usage_calls_seq.is_called
    from pgledger.usage_calls_seq
  ) as known (name, greatest_key, last_value, is_called)
$$;

comment on function pgledger.key_sequences is
  'Every sequence that gives keys, with the greatest key in use and the next one it would give.';

revoke all on function pgledger.key_sequences from public;
