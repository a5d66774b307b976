/*
Says in a message where in the catalogue something stands or was looked for.
*/
create or replace function pgledger.in_catalogue(
  app_id text,
  tenant_id text
)
returns text
language sql
immutable
parallel safe
as $$
  select case
    when app_id = '*' then ' among the features of all apps'
    when tenant_id = '' then pgledger.in_app(app_id)
    else pgledger.in_app(app_id) || ' for tenant ' || quote_literal(tenant_id)
  end
$$;

comment on function pgledger.in_catalogue is
  'The words in which a message names a part of the catalogue: an app''s or a tenant''s.';

revoke all on function pgledger.in_catalogue from public;
