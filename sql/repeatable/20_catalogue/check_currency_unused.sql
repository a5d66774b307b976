/*
Refuses to change the exponent of a currency once a plan, a coupon or an invoice is in it: its
amounts were rounded to that exponent.

Errors: InUse.
*/
create or replace function pgledger.check_currency_unused(
  app_id text,
  code text,
  exponent integer
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_user text := coalesce(
    (
      select 'plan ' || min(plans.id)
      from pgledger.plans
      where plans.app_id = check_currency_unused.app_id
        and plans.currency = check_currency_unused.code
    ),
    (
      select 'coupon ' || min(coupons.id)
      from pgledger.coupons
      where coupons.app_id = check_currency_unused.app_id
        and coupons.currency = check_currency_unused.code
    ),
    (
      select 'invoice ' || min(invoices.id)
      from pgledger.invoices
      where invoices.app_id = check_currency_unused.app_id
        and invoices.currency = check_currency_unused.code
    )
  );
  v_ok boolean;
begin
  if v_user is not null then
    v_ok := pgledger.fail(
      'InUse',
      array[
        'currency',
        quote_literal(code),
        'changed',
        format('%s is in it, so its exponent stays %s', v_user, exponent)
      ]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_currency_unused is
  'Raises InUse if a plan, a coupon or an invoice of the app is in that currency.';

revoke all on function pgledger.check_currency_unused from public;
