/*
Whether an account has no room for a hold: what pgledger.check_balance raises for one of its legs,
as an outcome, or a row of nulls. Given is what each account holds with it, written or not.
*/
create or replace function pgledger.held_legs_failure(
  from_key bigint,
  to_key bigint,
  from_balance numeric,
  to_balance numeric,
  held_out numeric,
  held_in numeric,
  amount numeric
)
returns @extschema@.pgledger_hold_outcome
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_message text;
  v_detail text;
  v_hint text;
  v_ok boolean;
begin
  v_ok := pgledger.check_balance(
    from_key, from_balance, -amount, is_held => true, held => held_out
  );
  v_ok := pgledger.check_balance(to_key, to_balance, amount, is_held => true, held => held_in);
  return null;
exception
  when others then
    if sqlstate not like 'LG%' then
      raise;
    end if;
    get stacked diagnostics
      v_message = message_text, v_detail = pg_exception_detail, v_hint = pg_exception_hint;
    return pgledger.failed_hold_outcome(sqlstate, v_message, v_detail, v_hint);
end;
$$;

comment on function pgledger.held_legs_failure is
  'What the limits of its accounts refuse a hold for, or nulls.';

revoke all on function pgledger.held_legs_failure from public;
