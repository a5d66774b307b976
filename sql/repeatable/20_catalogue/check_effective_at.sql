/*
Refuses a time from which a change of a plan cannot hold, or one that is given for nothing, because
neither features nor pricing nor priority change.

Errors: InvalidTime, InvalidArgument.
*/
create or replace function pgledger.check_effective_at(
  effective_at timestamptz,
  features jsonb,
  pricing jsonb,
  priority integer
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text := pgledger.time_fault(effective_at);
  v_ok boolean;
begin
  if effective_at is null then
    return true;
  elsif v_fault is not null then
    v_ok := pgledger.fail(
      'InvalidTime', array['effective_at', effective_at::text, v_fault]
    );
  elsif num_nonnulls(features, pricing, priority) = 0 then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'effective_at', effective_at::text, 'neither features nor pricing nor priority are given'
      ],
      hint => 'Give what is to hold from then on; all else of a plan changes at once.'
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_effective_at is
  'Raises InvalidTime or InvalidArgument unless a change of a plan can hold from that time on.';

revoke all on function pgledger.check_effective_at from public;
