/*
Raises what is wrong with a value in a plan's JSON. The message shows it if it is a single one: the
text of an array or an object may be far larger than the value itself.

Errors: InvalidPlan.
*/
create or replace function pgledger.refuse_plan(
  value jsonb,
  path text,
  fault text
)
returns void
language plpgsql
volatile
parallel safe
as $$
begin
  perform pgledger.fail(
    'LG102',
    array[
      path,
      case
        when jsonb_typeof(value) in ('string', 'number', 'boolean')
          then pgledger.abridged(value::text)
        else 'it'
      end || ' ' || fault
    ]
  );
end;
$$;

comment on function pgledger.refuse_plan is
  'Raises InvalidPlan for the value at that path; the fault reads on from the value.';

revoke all on function pgledger.refuse_plan from public;
