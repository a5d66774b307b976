/*
Writes down up to when an app was moved on. Runs side by side do not wait for one another here: who
finds the row held leaves it, and so does who finds that another one is making it. Once an hour is
enough for a span of days, and spares most calls the write.
*/
create or replace function pgledger.note_advance(app_id text, now timestamptz)
returns void
language plpgsql
volatile
parallel unsafe
as $$
begin
  update pgledger.advance_runs
  set newest_at = note_advance.now
  from (
    select advance_runs.app_id
    from pgledger.advance_runs
    where advance_runs.app_id = note_advance.app_id
      and advance_runs.newest_at < note_advance.now - interval '1 hour'
    for no key update skip locked
  ) as held
  where advance_runs.app_id = held.app_id;
  if found or exists (
    select from pgledger.advance_runs where advance_runs.app_id = note_advance.app_id
  ) then
    return;
  end if;

  if pg_try_advisory_xact_lock(hashtextextended('pgledger.advance_runs ' || app_id, 0)) then
    insert into pgledger.advance_runs (app_id, newest_at)
    values (note_advance.app_id, note_advance.now)
    on conflict on constraint advance_runs_app_id_pk do nothing;
  end if;
end;
$$;

comment on function pgledger.note_advance is 'Writes down up to when an app was moved on.';

revoke all on function pgledger.note_advance from public;
