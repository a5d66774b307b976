/*
Moves a tenant's purge line on, never back, and notes what is settled, unless another purge has
noted that since the tenant was read. purge_from is where the next purge begins to look, because
nothing is left to be deleted before it, or null. The caller holds the tenant.
*/
create or replace function pgledger.move_purge_line(
  tenant pgledger.tenants,
  line timestamptz,
  settles boolean,
  settled_before timestamptz,
  purge_from timestamptz
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_tenant pgledger.tenants;
begin
  v_tenant := (
    select tenants
    from pgledger.tenants
    where tenants.key = move_purge_line.tenant.key
  );
  if settles and v_tenant.settling_since = tenant.settling_since
    and (
      v_tenant.settling_before < line
      or v_tenant.settled_before < move_purge_line.settled_before
    )
  then
    v_tenant.settled_before := greatest(v_tenant.settled_before, move_purge_line.settled_before);
    v_tenant.settling_before := greatest(v_tenant.purged_before, line);
    v_tenant.settling_since := pgledger.clock();
  end if;
  v_tenant.purged_before := greatest(v_tenant.purged_before, line);
  v_tenant.purge_from := greatest(v_tenant.purge_from, move_purge_line.purge_from);

  update pgledger.tenants
  set
    purged_before = v_tenant.purged_before,
    purge_from = v_tenant.purge_from,
    settled_before = v_tenant.settled_before,
    settling_before = v_tenant.settling_before,
    settling_since = v_tenant.settling_since
  where tenants.key = v_tenant.key
    and (
      tenants.purged_before, tenants.purge_from, tenants.settled_before, tenants.settling_before,
      tenants.settling_since
    ) <> (
      v_tenant.purged_before, v_tenant.purge_from, v_tenant.settled_before,
      v_tenant.settling_before, v_tenant.settling_since
    );
end;
$$;

comment on function pgledger.move_purge_line is
  'Moves a tenant''s purge line on, and notes what is settled.';

revoke all on function pgledger.move_purge_line from public;
