/*
Names the app in a message. The empty app is not named: most callers know of no apps.
*/
create or replace function pgledger.in_app(app_id text)
returns text
language sql
immutable
parallel safe
as $$
  select case when app_id <> '' then ' in app ' || quote_literal(app_id) else '' end
$$;

comment on function pgledger.in_app is
  'The words in which a message names the app; empty for the empty app.';

revoke all on function pgledger.in_app from public;
