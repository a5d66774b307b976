/*
Meets what requirements.sql lists, one after the other: each is looked at again when its turn comes,
because a role that was just made has requirements of its own. Stops at a role that is more than it
may be. Where all is met, changes nothing.

Run by `pgledger migrate` as the role that migrates, and as pgledger_owner once that has made the
schema; by an administrator, for whom `pgledger roles` prints it; by whoever runs pgledger.sql.

  surface, migrator   as in requirements.sql
*/
do $requirements$
declare
  v_need record;
  v_done text[] := '{}';
begin
  loop
    select need.kind, need.name, need.statement
    into v_need
    from (
      -- include: requirements.sql
    ) as need
    where need.statement <> all (v_done)
    order by need.place
    limit 1;
    exit when not found;
    if v_need.kind = 'excess' then
      raise exception '%', v_need.name
        using hint = pg_catalog.format('Take that from it: %s.', v_need.statement);
    end if;
    v_done := v_done || v_need.statement;
    begin
      execute v_need.statement;
    exception
      -- Roles belong to all databases of the server: another one's migration was faster.
      when duplicate_object or unique_violation then
        if v_need.kind <> 'role' then
          raise;
        end if;
    end;
  end loop;
end
$requirements$;
