/*
Everything by which this database differs from expected_guards(), in the order in which it is to be
put right. The migrator runs this body and those below it by themselves, as queries: it trusts no
function of a database with what it then does as an administrator. So none of them reads anything
but PostgreSQL's catalogs.

  aspect      missing, owner, rights, triggers, row security, settings
  fault       what is wrong, in words
  statement   puts it right; null if no statement does
  mended_by   who can: 'migrator', the role that migrates; 'owner'; 'files', applied again; null if
              nothing of ours can. 'nobody': it is no fault, but an administrator's own

Arguments: the schema of the public functions; whether roles of ours own everything; objects that
were there before, for rights_added().
*/
create or replace function pgledger.guard_faults(surface name, with_roles boolean, known oid[])
returns table (aspect text, fault text, statement text, mended_by text)
language sql
stable
parallel safe
set jit = off
as $$
  select found.aspect, found.fault, found.statement, found.mended_by
  from (
    select 1, o.aspect, o.fault, o.statement, o.mended_by
    from pgledger.owner_faults(guard_faults.surface, guard_faults.with_roles) as o
    union all
    select 2, m.aspect, m.fault, m.statement, m.mended_by
    from pgledger.rights_missing(guard_faults.surface, guard_faults.with_roles) as m
    union all
    select 3, a.aspect, a.fault, a.statement, a.mended_by
    from pgledger.rights_added(
      guard_faults.surface, guard_faults.with_roles, guard_faults.known
    ) as a
    union all
    select 4, t.aspect, t.fault, t.statement, t.mended_by
    from pgledger.trigger_faults() as t
    union all
    select 5, r.aspect, r.fault, r.statement, r.mended_by
    from pgledger.row_security_faults(guard_faults.surface) as r
    union all
    select 6, p.aspect, p.fault, p.statement, p.mended_by
    from pgledger.policy_faults(guard_faults.with_roles) as p
    union all
    select 7, s.aspect, s.fault, s.statement, s.mended_by
    from pgledger.setting_faults(guard_faults.surface) as s
  ) as found (step, aspect, fault, statement, mended_by)
  order by found.step, found.statement not like 'alter schema %', found.fault
$$;

comment on function pgledger.guard_faults is
  'Everything of ours that stands otherwise than it should, with what puts it right.';

revoke all on function pgledger.guard_faults from public;
