/*
Refuses a cancellation that says two things, or nothing. What time it leaves unused is only a
question where it ends before its period does; at a given time that is charged up to then, so the
rest is given back.

Errors: NullArgument, InvalidArgument, InvalidTime.
*/
create or replace function pgledger.check_cancellation(
  at_period_end boolean,
  unused_time text,
  cancel_at timestamptz
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_time_fault text := pgledger.time_fault(cancel_at);
  v_ok boolean;
begin
  if at_period_end is null then
    v_ok := pgledger.fail('NullArgument', array['at_period_end']);
  end if;
  if unused_time is not null then
    v_ok := pgledger.check_choice('unused_time', unused_time, array['none', 'credit', 'refund']);
  end if;
  if cancel_at is not null and v_time_fault is not null then
    v_ok := pgledger.fail('InvalidTime', array['cancel_at', cancel_at::text, v_time_fault]);
  elsif cancel_at is not null and unused_time = 'none' then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'unused_time', quote_literal(unused_time),
        'up to a given cancel_at the base fee is charged, and the rest is given back'
      ]
    );
  elsif at_period_end and cancel_at is null and unused_time <> 'none' then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'unused_time', quote_literal(unused_time), 'at the end of the period no time is unused'
      ]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_cancellation is
  'Raises the first thing that is wrong with what a cancellation asks for.';

revoke all on function pgledger.check_cancellation from public;
