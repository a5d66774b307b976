/*
Functions that run with somebody else's rights or look names up elsewhere, and views whose options
were changed. To make them again from their files puts them right.
*/
create or replace function pgledger.setting_faults(surface name)
returns table (aspect text, fault text, statement text, mended_by text)
language sql
stable
parallel safe
as $$
  select
    'settings',
    format(
      'the %s %s is to have the settings (%s), and has (%s)',
      expected.kind, actual.subject, expected.detail, actual.detail
    ),
    null::text,
    'files'
  from pgledger.expected_guards() as expected (kind, place, name, owner, granted, detail)
  inner join pgledger.actual_guards(setting_faults.surface) as actual using (kind, place, name)
  where expected.kind in ('function', 'view')
    and expected.detail <> actual.detail
$$;

comment on function pgledger.setting_faults is
  'Functions and views of ours whose settings are not as they should be.';

revoke all on function pgledger.setting_faults from public;
