/*
Notes a change of what keeps no history of its own, so that a block can take it. The caller has
locked the row of what changed, so versions have no gap, and times never go back along it.
*/
create or replace function pgledger.note_change(
  entity text,
  entity_id text,
  change text,
  changed_at timestamptz,
  app_id text,
  tenant_id text,
  details jsonb
)
returns void
language sql
volatile
parallel unsafe
as $$
  insert into pgledger.noted_changes (
    version, changed_at, entity, change, entity_id, app_id, tenant_id, details
  )
  select
    coalesce(max(noted_changes.version), 0) + 1,
    greatest(note_change.changed_at, max(noted_changes.changed_at)), note_change.entity,
    note_change.change, note_change.entity_id, note_change.app_id, note_change.tenant_id,
    note_change.details
  from pgledger.noted_changes
  where noted_changes.entity = note_change.entity
    and noted_changes.entity_id = note_change.entity_id
$$;

comment on function pgledger.note_change is
  'Notes a change of what the caller has locked, for the next block of changes.';

revoke all on function pgledger.note_change from public;
