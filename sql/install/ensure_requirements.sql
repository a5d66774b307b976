/*
Meets what requirements.sql lists, one after the other: each is looked at again when its turn comes,
because a role that was just made has requirements of its own. Stops at a role that is more than it
may be, and at what the role that runs this may not make. Where all is met, changes nothing.

Whoever runs this may have any search_path; while it runs, nothing that others have made is in it.

Run by `pgledger migrate` as the role that migrates, and as pgledger_owner once that has made the
schema; by an administrator, for whom `pgledger roles` prints it; by whoever runs pgledger.sql.

  surface, migrator   as in requirements.sql
*/
do $requirements$
declare
  v_search_path constant text := pg_catalog.current_setting('search_path');
  v_need record;
  v_last text;
begin
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  loop
    select need.kind, need.name, need.statement
    into v_need
    from (
      -- include: requirements.sql
    ) as need
    order by need.place
    limit 1;
    exit when not found;
    if v_need.kind = 'excess' then
      raise exception '%', v_need.name
        using hint = pg_catalog.format('Take that from it: %s.', v_need.statement);
    end if;
    begin
      -- GRANT by a role that may not grant sometimes only warns.
      if v_need.statement is not distinct from v_last then
        raise insufficient_privilege;
      end if;
      v_last := v_need.statement;
      execute v_need.statement;
    exception
      -- Roles belong to all databases of the server: another one's migration was faster.
      when duplicate_object or unique_violation then
        if v_need.kind <> 'role' then
          raise;
        end if;
      when insufficient_privilege then
        raise exception 'the role % may not make what pgledger needs first: %',
          current_user, v_need.name
          using errcode = 'insufficient_privilege',
            hint = pg_catalog.format(
              'Have an administrator run what `pgledger roles --for %I` prints, connected to '
              'the database %I.', current_user, pg_catalog.current_database());
    end;
  end loop;
  perform pg_catalog.set_config('search_path', v_search_path, true);
end
$requirements$;
