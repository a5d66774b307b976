/*
A hold as it was asked for, as seals have it, in version 1 of the form.
*/
create or replace function pgledger.hold_bytes(hold pgledger.holds, placed_at timestamptz)
returns bytea
language sql
stable
parallel safe
as $$
  select record_send(
    row(
      1, hold_bytes.placed_at, hold.from_key, hold.to_key, hold.created_at, hold.event_at,
      hold.first_expires_at, hold.amount, convert_to(hold.id, 'UTF8'),
      convert_to(hold.app_id, 'UTF8'), convert_to(hold.group_id, 'UTF8'),
      convert_to(hold.metadata::text, 'UTF8')
    )
  )
$$;

comment on function pgledger.hold_bytes is 'A hold as it was asked for, as seals have it.';

revoke all on function pgledger.hold_bytes from public;
