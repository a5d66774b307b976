/*
Refuses times between which usage is added up, if one splits an hour whose events may have been
purged. The message names them by the name given here.
Errors: UsagePurged.
*/
create or replace function pgledger.check_usage_edges(
  app_id text,
  tenant_id text,
  name text,
  edges timestamptz[]
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_purged_before timestamptz := (
    select tenants.purged_before
    from pgledger.tenants
    where tenants.app_id = check_usage_edges.app_id
      and tenants.tenant_id = check_usage_edges.tenant_id
  );
  v_edge timestamptz := (
    select min(edge.at)
    from unnest(edges) as edge (at)
    where edge.at < v_purged_before
      and edge.at <> date_bin('1 hour', edge.at, timestamptz '2000-01-01 00:00:00+00')
  );
  v_ok boolean;
begin
  if v_edge is not null then
    v_ok := pgledger.fail('UsagePurged', array[name, v_edge::text, v_purged_before::text]);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_usage_edges is
  'Raises UsagePurged if a time splits an hour whose events may have been purged.';

revoke all on function pgledger.check_usage_edges from public;
