/*
Names the app in a message, unless it is the empty one, of which most callers know nothing.
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
