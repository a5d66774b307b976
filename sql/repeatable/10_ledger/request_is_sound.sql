/*
The quick look at a request by itself. Where it is not true, pgledger.check_transfer_request says
what is wrong, if anything is. The function stays inlinable.
*/
create or replace function pgledger.request_is_sound(
  from_account_id text,
  to_account_id text,
  amount numeric,
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
    and (event_at is null or pgledger.time_fault(event_at) is null and event_at <= latest_event_at)
    and pgledger.metadata_fault(metadata) is null
    and (id is null or pgledger.id_fault(id, 'pglt') is null)
$$;

comment on function pgledger.request_is_sound is
  'Whether a request is right by itself, as far as a quick look can tell.';

revoke all on function pgledger.request_is_sound from public;
