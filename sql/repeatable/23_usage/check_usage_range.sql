/*
Refuses a range of time over which usage cannot be added up: one that is not finite, one that is
empty, and one that splits an hour whose events may have been purged.
Errors: NullArgument, InvalidTime, UsagePurged.
*/
create or replace function pgledger.check_usage_range(
  app_id text,
  tenant_id text,
  starts_at timestamptz,
  ends_at timestamptz
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_edge record;
  v_ok boolean;
begin
  for v_edge in
    select edge.name, edge.at, pgledger.time_fault(edge.at) as fault
    from (values (1, 'starts_at', starts_at), (2, 'ends_at', ends_at)) as edge (place, name, at)
    order by edge.place
  loop
    if v_edge.at is null then
      v_ok := pgledger.fail('NullArgument', array[v_edge.name]);
    elsif v_edge.fault is not null then
      v_ok := pgledger.fail('InvalidTime', array[v_edge.name, v_edge.at::text, v_edge.fault]);
    end if;
  end loop;
  if ends_at <= starts_at then
    v_ok := pgledger.fail(
      'InvalidTime',
      array['ends_at', ends_at::text, format('it is not after starts_at %s', starts_at)],
      hint => 'Give an ends_at that is later than starts_at.'
    );
  end if;

  v_ok := pgledger.check_usage_edges(app_id, tenant_id, 'starts_at', array[starts_at]);
  v_ok := pgledger.check_usage_edges(app_id, tenant_id, 'ends_at', array[ends_at]);

  return true;
end;
$$;

comment on function pgledger.check_usage_range is
  'Raises NullArgument, InvalidTime or UsagePurged unless usage can be added up over a range.';

revoke all on function pgledger.check_usage_range from public;
