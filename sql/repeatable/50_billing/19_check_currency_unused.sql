/*
Refuses to change the exponent of a currency that a plan is in.

Errors: InUse.
*/
create or replace function pgledger.check_currency_unused(
  app_id text,
  code text,
  exponent integer
)
returns void
language plpgsql
volatile
parallel safe
as $$
declare
  v_plan_id text := (
    select plans.id
    from pgledger.plans
    where plans.app_id = check_currency_unused.app_id
      and plans.currency = check_currency_unused.code
    order by plans.id
    limit 1
  );
begin
  if v_plan_id is not null then
    perform pgledger.fail(
      'LG122',
      array[
        'currency',
        quote_literal(code),
        'changed',
        format('plan %s is in it, so its exponent stays %s', v_plan_id, exponent)
      ]
    );
  end if;
end;
$$;

comment on function pgledger.check_currency_unused is
  'Raises InUse if a plan of the app is in that currency.';

revoke all on function pgledger.check_currency_unused from public;
