/*
The quick look at a request for a hold by itself. Where it is not true, pgledger.check_hold_request
says what is wrong, if anything is. The function stays inlinable.
*/
create or replace function pgledger.hold_request_is_sound(
  from_account_id text,
  to_account_id text,
  amount numeric,
  expires_at timestamptz,
  event_at timestamptz,
  metadata jsonb,
  id text,
  latest_event_at timestamptz
)
returns boolean
language sql
stable
parallel safe
as $$
  select
    from_account_id <> to_account_id
    and pgledger.amount_fault(amount) is null
    and (expires_at is null or pgledger.time_fault(expires_at) is null)
    and (event_at is null or pgledger.time_fault(event_at) is null and event_at <= latest_event_at)
    and pgledger.metadata_fault(metadata) is null
    and (id is null or pgledger.id_fault(id, 'pglh') is null)
$$;

comment on function pgledger.hold_request_is_sound is
  'Whether a request for a hold is right by itself, as far as a quick look can tell.';

revoke all on function pgledger.hold_request_is_sound from public;
