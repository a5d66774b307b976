/*
The app as a message names it. The empty one is not named: most callers know of no apps.
*/
create or replace function pgledger.in_app(app_id text)
returns text
language sql
immutable
parallel safe
as $$
  select case when app_id <> '' then ' in app ' || quote_literal(app_id) else '' end
$$;

comment on function pgledger.in_app is 'How a message names the app, if it is not the empty one.';

revoke all on function pgledger.in_app from public;
