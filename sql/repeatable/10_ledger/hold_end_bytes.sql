/*
The end of a hold by its last posting, as seals have it, in version 1 of the form. How others end is
noted, and sealed so.
*/
create or replace function pgledger.hold_end_bytes(hold pgledger.holds, transfer_id text)
returns bytea
language sql
stable
parallel safe
as $$
  select record_send(
    row(
      7, convert_to(hold.id, 'UTF8'), convert_to(hold_end_bytes.transfer_id, 'UTF8'),
      hold.posted_amount, hold.expires_at, hold.ended_at
    )
  )
$$;

comment on function pgledger.hold_end_bytes is
  'The end of a hold by its last posting, as seals have it.';

revoke all on function pgledger.hold_end_bytes from public;
