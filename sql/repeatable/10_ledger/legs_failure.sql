/*
Whether a transfer of a batch fails at its conditions or limits: what pgledger.check_legs raises, as
an outcome, or a row of nulls.
*/
create or replace function pgledger.legs_failure(
  from_key bigint,
  to_key bigint,
  from_version bigint,
  to_version bigint,
  from_balance numeric,
  to_balance numeric,
  amount numeric,
  require_from_version bigint,
  require_to_version bigint,
  require_from_balance numrange,
  require_to_balance numrange,
  is_doubtful boolean
)
returns @extschema@.pgledger_transfer_outcome
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
  v_ok := pgledger.check_legs(
    from_key, to_key, from_version, to_version, from_balance, to_balance, amount,
    require_from_version, require_to_version, require_from_balance, require_to_balance, is_doubtful
  );
  return null;
exception
  when others then
    if sqlstate not like 'LG%' then
      raise;
    end if;
    get stacked diagnostics
      v_message = message_text, v_detail = pg_exception_detail, v_hint = pg_exception_hint;
    return pgledger.failed_outcome(sqlstate, v_message, v_detail, v_hint);
end;
$$;

comment on function pgledger.legs_failure is
  'What a transfer''s conditions and limits refuse it for, or nulls.';

revoke all on function pgledger.legs_failure from public;
