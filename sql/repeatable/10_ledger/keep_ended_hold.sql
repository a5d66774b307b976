/*
Keeps holds that have ended as they are, but for which of their sides are released. The trigger's
condition is short, because PostgreSQL reads it anew for each statement: more of it costs a posting
more than a call of this function costs the few updates that ended holds see. It is ENABLE ALWAYS,
as those of pgledger.refuse_change are.

Errors: ImmutableRecord.
*/
create or replace function pgledger.keep_ended_hold()
returns trigger
language plpgsql
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  if
    old.status <> new.status
    or old.posted_amount <> new.posted_amount
    or old.expires_at is distinct from new.expires_at
    or old.ended_at is distinct from new.ended_at
    or old.out_released and not new.out_released
    or old.in_released and not new.in_released
  then
    v_ok := pgledger.fail(
      'ImmutableRecord', array[tg_op, format('%I.%I', tg_table_schema, tg_table_name)]
    );
  end if;

  return new;
end;
$$;

comment on function pgledger.keep_ended_hold is
  'Trigger: refuses to change what became of a hold, but for which of its sides are released.';

revoke all on function pgledger.keep_ended_hold from public;

create or replace trigger holds_only_end
before update on pgledger.holds
for each row
when (old.ended_at is not null or old.posted_amount > new.posted_amount)
execute function pgledger.keep_ended_hold();

alter table pgledger.holds
enable always trigger holds_only_end;
