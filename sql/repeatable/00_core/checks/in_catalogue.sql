/*
Where in the catalogue something was looked for or stands, as messages say it.
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
  'How a message names the part of the catalogue that belongs to an app or to a tenant of it.';

revoke all on function pgledger.in_catalogue from public;
