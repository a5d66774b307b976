/*
Row security that is off, or forced on the owner, whose functions have to see all tenants.
*/
create or replace function pgledger.row_security_faults(surface name)
returns table (aspect text, fault text, statement text, mended_by text)
language sql
stable
parallel safe
as $$
  select
    'row security',
    format(
      'the table %s is to have %s, and has %s',
      actual.subject, coalesce(nullif(expected.detail, ''), 'no row security'),
      coalesce(nullif(actual.detail, ''), 'none')
    ),
    format(
      'alter table %s %s row level security; alter table %1$s no force row level security',
      actual.subject, case expected.detail when '' then 'disable' else 'enable' end
    ),
    'owner'
  from pgledger.expected_guards() as expected (kind, place, name, owner, granted, detail)
  inner join pgledger.actual_guards(row_security_faults.surface) as actual using (kind, place, name)
  where expected.kind = 'table' and expected.detail <> actual.detail
$$;

comment on function pgledger.row_security_faults is
  'Tables whose row security is not as it should be, with what puts it right.';

revoke all on function pgledger.row_security_faults from public;
