/*
Holds as applications see them. One whose expires_at is over is shown as expired, whether or not
anybody has written that.

Accounts are joined from the left, so that a query which reads none of their columns does not read
them either. No row differs by it: the accounts of each hold exist and are never deleted.
*/
create or replace view @extschema@.pgledger_holds_v1 as
select
  holds.id,
  source.id as from_account_id,
  target.id as to_account_id,
  holds.amount,
  holds.posted_amount,
  shown.status collate "C" as status,
  holds.created_at,
  coalesce(holds.event_at, holds.created_at) as event_at,
  holds.expires_at,
  case
    when holds.status = 0 and shown.status = 'expired' then holds.expires_at
    else holds.ended_at
  end as ended_at,
  holds.metadata,
  source.currency,
  source.name as from_account_name,
  target.name as to_account_name,
  holds.group_id,
  holds.app_id,
  source.tenant_id as from_tenant_id,
  target.tenant_id as to_tenant_id
from pgledger.holds
-- One look at the clock for each row.
cross join lateral (
  select pgledger.hold_status(holds.status, holds.expires_at) as status
  from (select) as one_look
  offset 0
) as shown
left join pgledger.accounts as source on holds.from_key = source.key
left join pgledger.accounts as target on holds.to_key = target.key;

comment on view @extschema@.pgledger_holds_v1 is
  'One row a hold: an amount that is kept back on one account for another.';
comment on column @extschema@.pgledger_holds_v1.id is 'Public id: pglh_ and a ULID.';
comment on column @extschema@.pgledger_holds_v1.from_account_id is
  'Account that the amount is to leave.';
comment on column @extschema@.pgledger_holds_v1.to_account_id is
  'Account that the amount is to reach.';
comment on column @extschema@.pgledger_holds_v1.amount is
  'What is held: above 0, below 1e30, at most 18 decimal places.';
comment on column @extschema@.pgledger_holds_v1.posted_amount is
  'How much of it has been posted so far.';
comment on column @extschema@.pgledger_holds_v1.status is
  'State; every state but pending is final; one of: pending, posted, voided, expired.';
comment on column @extschema@.pgledger_holds_v1.created_at is 'When it was recorded.';
comment on column @extschema@.pgledger_holds_v1.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column @extschema@.pgledger_holds_v1.expires_at is
  'When it expires, unless it was posted or voided before, or null.';
comment on column @extschema@.pgledger_holds_v1.ended_at is
  'When it was posted, voided or expired, or null.';
comment on column @extschema@.pgledger_holds_v1.metadata is
  'JSON object given at creation, or null.';
comment on column @extschema@.pgledger_holds_v1.currency is 'Currency of both accounts.';
comment on column @extschema@.pgledger_holds_v1.from_account_name is
  'Name of the account that the amount is to leave.';
comment on column @extschema@.pgledger_holds_v1.to_account_name is
  'Name of the account that the amount is to reach.';
comment on column @extschema@.pgledger_holds_v1.group_id is
  'Name that joins the holds of one call, or null.';
comment on column @extschema@.pgledger_holds_v1.app_id is
  'Set of books that both accounts belong to; the empty text where there is only one.';
comment on column @extschema@.pgledger_holds_v1.from_tenant_id is
  'Tenant of the account that the amount is to leave.';
comment on column @extschema@.pgledger_holds_v1.to_tenant_id is
  'Tenant of the account that the amount is to reach.';

revoke all on table @extschema@.pgledger_holds_v1 from public;
grant select on table @extschema@.pgledger_holds_v1 to pgledger_reader;
