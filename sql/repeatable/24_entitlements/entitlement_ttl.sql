/*
How long an app's cached entitlements are served at most, where the call does not say it.
*/
create or replace function pgledger.entitlement_ttl(app_id text)
returns interval
language plpgsql
stable
parallel safe
as $$
begin
  return coalesce(
    (select apps.entitlement_ttl from pgledger.apps where apps.app_id = entitlement_ttl.app_id),
    interval '30 seconds'
  );
end;
$$;

comment on function pgledger.entitlement_ttl is
  'How long an app''s cached entitlements are served at most.';

revoke all on function pgledger.entitlement_ttl from public;
