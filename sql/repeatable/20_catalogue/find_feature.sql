/*
The feature that a key names for a tenant: the tenant's own, or else the app's, or else that of all
apps; null if there is none. Archived features count, so that archiving one does not uncover
another.
*/
create or replace function pgledger.find_feature(
  app_id text,
  key text,
  tenant_id text
)
returns pgledger.features
language sql
stable
parallel safe
as $$
  select features
  from pgledger.features
  where features.key = find_feature.key
    and (features.app_id, features.tenant_id) in (
      (find_feature.app_id, find_feature.tenant_id), (find_feature.app_id, ''), ('*', '')
    )
  order by features.tenant_id = '', features.app_id = '*'
  limit 1
$$;

comment on function pgledger.find_feature is
  'The feature of that key for a tenant: its own, the app''s or that of all apps, or null.';

revoke all on function pgledger.find_feature from public;
