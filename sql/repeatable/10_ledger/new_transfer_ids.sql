/*
Ids for a batch of transfers, one microsecond apart. They share one random tail: their times tell
them apart. Each is what pgledger.new_ulid makes for its time.

The ten characters that tell the millisecond are made once for each, and the four that tell the
microsecond are cut out of a constant.
*/
create or replace function pgledger.new_transfer_ids(
  first_created_at timestamptz,
  count integer
)
returns text[]
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_generic_plan
as $$
declare
  v_tail text := right(pgledger.new_ulid(first_created_at), 12);
  -- Of the microseconds that are counted from the beginning of the first millisecond.
  v_first integer := (extract(microseconds from first_created_at))::integer % 1000;
  v_last integer := v_first + count - 1;
begin
  return array(
    select
      digits.head
      || encode(
        substring(pgledger.microsecond_digits() from digits.microsecond * 4 + 1 for 4), 'escape'
      )
      || v_tail
    from (
      select
        step.head,
        generate_series(
          greatest(v_first - step.millisecond * 1000, 0),
          least(v_last - step.millisecond * 1000, 999)
        ) as microsecond
      from (
        select
          given.millisecond,
          'pglt_' || left(
            pgledger.new_ulid(
              first_created_at + given.millisecond * interval '1 millisecond'
            ),
            10
          ) as head
        from generate_series(0, v_last / 1000) as given (millisecond)
        -- Keeps the planner from making a head again for each id.
        offset 0
      ) as step
      offset 0
    ) as digits
  );
end;
$$;

comment on function pgledger.new_transfer_ids is
  'Ids for as many new transfers, which are created one microsecond after another.';

revoke all on function pgledger.new_transfer_ids from public;
