/*
How far ahead of the clock an app's usage events may be.
*/
create or replace function pgledger.usage_skew(app_id text)
returns interval
language sql
stable
parallel safe
as $$
  select coalesce(
    (select apps.usage_skew from pgledger.apps where apps.app_id = usage_skew.app_id),
    interval '1 hour'
  )
$$;

comment on function pgledger.usage_skew is
  'How far ahead of the clock an app''s usage events may be.';

revoke all on function pgledger.usage_skew from public;
