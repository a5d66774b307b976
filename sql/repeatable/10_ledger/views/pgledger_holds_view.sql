/*
The newest version of pgledger_holds_v1, under the name that stays.
*/
create or replace view @extschema@.pgledger_holds_view as
select
  newest.id,
  newest.from_account_id,
  newest.to_account_id,
  newest.amount,
  newest.posted_amount,
  newest.status,
  newest.created_at,
  newest.event_at,
  newest.expires_at,
  newest.ended_at,
  newest.metadata,
  newest.currency,
  newest.from_account_name,
  newest.to_account_name,
  newest.group_id,
  newest.app_id,
  newest.from_tenant_id,
  newest.to_tenant_id
from @extschema@.pgledger_holds_v1 as newest;

comment on view @extschema@.pgledger_holds_view is
  'Holds: today''s version, pgledger_holds_v1.';
comment on column @extschema@.pgledger_holds_view.id is 'Public id: pglh_ and a ULID.';
comment on column @extschema@.pgledger_holds_view.from_account_id is
  'Account that the amount is to leave.';
comment on column @extschema@.pgledger_holds_view.to_account_id is
  'Account that the amount is to reach.';
comment on column @extschema@.pgledger_holds_view.amount is
  'What is held: above 0, below 1e30, at most 18 decimal places.';
comment on column @extschema@.pgledger_holds_view.posted_amount is
  'How much of it has been posted so far.';
comment on column @extschema@.pgledger_holds_view.status is
  'State; every state but pending is final; one of: pending, posted, voided, expired.';
comment on column @extschema@.pgledger_holds_view.created_at is 'When it was recorded.';
comment on column @extschema@.pgledger_holds_view.event_at is
  'When it happened in the world: as given, or else created_at.';
comment on column @extschema@.pgledger_holds_view.expires_at is
  'When it expires, unless it was posted or voided before, or null.';
comment on column @extschema@.pgledger_holds_view.ended_at is
  'When it was posted, voided or expired, or null.';
comment on column @extschema@.pgledger_holds_view.metadata is
  'JSON object given at creation, or null.';
comment on column @extschema@.pgledger_holds_view.currency is 'Currency of both accounts.';
comment on column @extschema@.pgledger_holds_view.from_account_name is
  'Name of the account that the amount is to leave.';
comment on column @extschema@.pgledger_holds_view.to_account_name is
  'Name of the account that the amount is to reach.';
comment on column @extschema@.pgledger_holds_view.group_id is
  'Name that joins the holds of one call, or null.';
comment on column @extschema@.pgledger_holds_view.app_id is
  'Set of books that both accounts belong to; the empty text where there is only one.';
comment on column @extschema@.pgledger_holds_view.from_tenant_id is
  'Tenant of the account that the amount is to leave.';
comment on column @extschema@.pgledger_holds_view.to_tenant_id is
  'Tenant of the account that the amount is to reach.';

revoke all on table @extschema@.pgledger_holds_view from public;
grant select on table @extschema@.pgledger_holds_view to pgledger_reader;
