/*
What the balance of an account at a time by event is above the one as recorded: the entries
recorded later that happened by then, less those recorded by then that happened later. Only entries
whose event_at was given can be either; partial indexes hold them, with all that is read here.
After the time of the account's row nothing is recorded later, so nothing is looked for.
*/
create or replace function pgledger.event_correction(
  account_key bigint,
  updated_at timestamptz,
  at timestamptz
)
returns numeric
language plpgsql
stable
parallel safe
as $$
declare
  v_correction numeric;
begin
  select coalesce(sum(moved.amount), 0)
  into v_correction
  from (
    select transfers.amount
    from pgledger.transfers
    where transfers.to_key = account_key
      and transfers.event_at <= at
      and transfers.created_at > at
      and at < updated_at
    union all
    select -transfers.amount
    from pgledger.transfers
    where transfers.to_key = account_key
      and transfers.event_at > at
      and transfers.created_at <= at
    union all
    select -transfers.amount
    from pgledger.transfers
    where transfers.from_key = account_key
      and transfers.event_at <= at
      and transfers.created_at > at
      and at < updated_at
    union all
    select transfers.amount
    from pgledger.transfers
    where transfers.from_key = account_key
      and transfers.event_at > at
      and transfers.created_at <= at
  ) as moved;

  return v_correction;
end;
$$;

comment on function pgledger.event_correction is
  'What a balance by event time is above the one as recorded.';

revoke all on function pgledger.event_correction from public;
