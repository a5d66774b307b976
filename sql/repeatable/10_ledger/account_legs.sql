/*
The entries of an account that a statement shows, in no order. As recorded they are a range of
versions. By event, those of the range which gave no event_at, and those which gave one within the
span of time: partial indexes hold no others.

It is a plain query, so that it becomes part of the statement that asks.
*/
create or replace function pgledger.account_legs(
  account_key bigint,
  after_version bigint,
  last_version bigint,
  from_time timestamptz,
  until timestamptz,
  by_event boolean,
  out counterparty_key bigint,
  out version bigint,
  out amount numeric,
  out id text,
  out created_at timestamptz,
  out given_event_at timestamptz,
  out group_id text,
  out origin_id text,
  out metadata jsonb
)
returns setof record
language sql
stable
parallel safe
as $$
  select
    transfers.to_key, transfers.from_version, -transfers.amount, transfers.id,
    transfers.created_at, transfers.event_at, transfers.group_id, transfers.origin_id,
    transfers.metadata
  from pgledger.transfers
  where transfers.from_key = account_key
    and transfers.from_version > after_version
    and transfers.from_version <= last_version
    and (not by_event or transfers.event_at is null)
  union all
  select
    transfers.from_key, transfers.to_version, transfers.amount, transfers.id,
    transfers.created_at, transfers.event_at, transfers.group_id, transfers.origin_id,
    transfers.metadata
  from pgledger.transfers
  where transfers.to_key = account_key
    and transfers.to_version > after_version
    and transfers.to_version <= last_version
    and (not by_event or transfers.event_at is null)
  union all
  select
    transfers.to_key, transfers.from_version, -transfers.amount, transfers.id,
    transfers.created_at, transfers.event_at, transfers.group_id, transfers.origin_id,
    transfers.metadata
  from pgledger.transfers
  where by_event
    and transfers.from_key = account_key
    and transfers.event_at >= from_time
    and transfers.event_at < until
  union all
  select
    transfers.from_key, transfers.to_version, transfers.amount, transfers.id,
    transfers.created_at, transfers.event_at, transfers.group_id, transfers.origin_id,
    transfers.metadata
  from pgledger.transfers
  where by_event
    and transfers.to_key = account_key
    and transfers.event_at >= from_time
    and transfers.event_at < until
$$;

comment on function pgledger.account_legs is
  'Entries of an account within a range of versions, or within a span of event times.';

revoke all on function pgledger.account_legs from public;
