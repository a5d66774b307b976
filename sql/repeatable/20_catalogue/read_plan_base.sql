/*
Reads a plan's base fee, and returns the billing period that it sets.

Errors: InvalidPlan.
*/
create or replace function pgledger.read_plan_base(
  base jsonb,
  out billing_interval text,
  out interval_count integer
)
language plpgsql
stable
parallel safe
as $$
declare
  v_path constant text := '$.pricing.base';
  v_amount numeric;
  v_count numeric;
  v_choice text;
  v_ok boolean;
begin
  v_ok := pgledger.check_json_object(
    base, v_path, array['amount', 'interval', 'interval_count', 'billed', 'proration']
  );
  v_amount := pgledger.json_decimal(base, v_path, 'amount');
  billing_interval := coalesce(
    pgledger.json_choice(base, v_path, 'interval', array['day', 'week', 'month', 'year']),
    'month'
  );

  v_count := coalesce(
    pgledger.json_decimal(base, v_path, 'interval_count', minimum => 1, maximum => 1000), 1
  );
  if v_count <> trunc(v_count) then
    v_ok := pgledger.refuse_json(
      base -> 'interval_count', v_path || '.interval_count', 'is not a whole number'
    );
  end if;
  interval_count := v_count;

  v_choice := pgledger.json_choice(base, v_path, 'billed', array['advance', 'arrears']);
  v_choice := pgledger.json_choice(base, v_path, 'proration', array['day', 'second']);
end;
$$;

comment on function pgledger.read_plan_base is
  'The billing period that a plan''s base fee sets; raises InvalidPlan unless it is sound.';

revoke all on function pgledger.read_plan_base from public;
