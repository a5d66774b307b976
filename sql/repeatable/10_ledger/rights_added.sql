/*
Rights that are not on the list. Everybody's, and those of our own roles, are faults. What an
administrator gave another role is kept where it opens nothing that is closed: any right on public
functions and views; reading tables; calling what views call; what a link needs. But nobody has
granted anything yet on an object that was made just now: what is found there comes from default
privileges, and is a fault.

A right that somebody passed on goes with the right to pass it on. The owner cannot take it away
otherwise.

  known   objects that were there before; null if all were
*/
create or replace function pgledger.rights_added(surface name, with_roles boolean, known oid[])
returns table (aspect text, fault text, statement text, mended_by text)
language sql
stable
parallel safe
as $$
  select
    'rights',
    format(
      '%s may %s %sthe %s %s%s',
      one.who, said.words, 'column ' || held.column_name || ' of ', held.kind, held.subject,
      case when held.is_grantable then ', and let others' end
    ),
    format(
      'revoke %s%s%s on %s %s from %s cascade',
      case when one.is_wanted or not held.is_from_owner then 'grant option for ' end,
      held.verb, ' ' || one.columns,
      case held.kind when 'view' then 'table' else held.kind end, held.subject,
      case
        when not held.is_from_owner then quote_ident(pg_get_userbyid(held.grantor))
        when held.grantee = 0 then 'public'
        else quote_ident(one.who)
      end
    ),
    case
      when held.grantee = 0 or one.is_ours or held.oid <> all (rights_added.known) then 'owner'
      when held.place = 'surface' or held.kind = 'type' or held.verb = 'SELECT' then 'nobody'
      when held.kind = 'schema' and held.verb = 'USAGE' then 'nobody'
      when held.kind = 'function' and expected.granted like '%reader=%' then 'nobody'
      when (held.name, held.column_name, held.verb) = ('accounts', 'id', 'REFERENCES')
        then 'nobody'
      else 'owner'
    end
  from pgledger.rights_held(rights_added.surface) as held
  cross join lateral pgledger.right_words(held.verb) as said (words)
  inner join pgledger.expected_guards() as expected (kind, place, name, owner, granted, detail)
    using (kind, place, name)
  left join pgledger.rights_wanted(rights_added.surface, rights_added.with_roles) as w
    on (w.kind, w.place, w.name) = (held.kind, held.place, held.name)
    and w.grantee = held.grantee
    and w.verb = held.verb
    and held.column_name is null
  cross join lateral (
    select
      case held.grantee when 0 then 'everybody' else pg_get_userbyid(held.grantee)::text end,
      '(' || quote_ident(held.column_name) || ')',
      w.name is not null,
      rights_added.with_roles and pg_get_userbyid(held.grantee) in (
        'pgledger_owner', 'pgledger_tenant_views', 'pgledger_poster', 'pgledger_reader',
        'pgledger_auditor', 'pgledger_tenant'
      )
  ) as one (who, columns, is_wanted, is_ours)
  where w.name is null or held.is_grantable
$$;

comment on function pgledger.rights_added is
  'Rights on what is ours that nobody is to have, or that an administrator gave another role.';

revoke all on function pgledger.rights_added from public;
