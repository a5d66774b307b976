/*
Holds. A hold counts on both of its accounts when it is made: in held_out of the one, in held_in of
the other. What is left of it is taken out of both sums when it is posted or voided. One that has
expired is taken out on each side by whoever relies on it there, so the two sides may differ for a
while: out_released and in_released say which is done.

There is no foreign key to accounts and there are no CHECK constraints, for the reasons given for
transfers.
*/
create table pgledger.holds (
  from_key bigint not null,
  to_key bigint not null,
  created_at timestamptz not null,
  event_at timestamptz,
  expires_at timestamptz,
  first_expires_at timestamptz,
  ended_at timestamptz,
  status smallint default 0 not null,
  out_released boolean default false not null,
  in_released boolean default false not null,
  from_is_first boolean not null,
  amount numeric not null,
  posted_amount numeric default 0 not null,
  id text collate "C" not null,
  app_id text collate "C" not null,
  group_id text collate "C",
  metadata jsonb,
  constraint holds_id_pk primary key (id)
);

-- What an account still holds back. Status stands before the time, because an expiry that one side
-- has written counts on the other side even if the clock steps back. Of what an account is to be
-- given, only expired holds are looked for.
create index holds_from_key_status_expires_at_idx
on pgledger.holds (from_key, status, expires_at)
where not out_released;
create index holds_to_key_status_expires_at_idx
on pgledger.holds (to_key, status, expires_at)
where not in_released and expires_at is not null;
create index holds_app_id_expires_at_idx
on pgledger.holds (app_id, expires_at)
where expires_at is not null and not (out_released and in_released);

comment on table pgledger.holds is
  'One row a hold. Rows are never deleted; what was asked for never changes, and neither does '
  'what became of a hold once it has ended.';
comment on column pgledger.holds.from_key is 'Account that the amount is to leave.';
comment on column pgledger.holds.to_key is 'Account that the amount is to reach.';
comment on column pgledger.holds.created_at is 'When it was recorded.';
comment on column pgledger.holds.event_at is
  'When it happened in the world, as given; null if it was not given, and then it is created_at.';
comment on column pgledger.holds.expires_at is
  'From when on it is expired, unless it was posted or voided before; null for never.';
comment on column pgledger.holds.first_expires_at is
  'What expires_at was when it was made; null for never.';
comment on column pgledger.holds.ended_at is
  'When it was posted or voided; for an expired one expires_at; null as long as it is pending.';
comment on column pgledger.holds.status is
  '0: pending. 1: posted. 2: voided. 3: expired. A pending one whose expires_at is over is expired '
  'too, before anybody writes it.';
comment on column pgledger.holds.out_released is
  'Whether what was left of it has been taken out of held_out of the account it is to leave.';
comment on column pgledger.holds.in_released is
  'Whether what was left of it has been taken out of held_in of the account it is to reach.';
comment on column pgledger.holds.from_is_first is
  'Whether the id of the account that it is to leave is the lower one, by collation C: the order '
  'of their locks.';
comment on column pgledger.holds.amount is
  'What is held, in units of the currency: above 0, below 1e30, at most 18 decimal places.';
comment on column pgledger.holds.posted_amount is
  'Sum of the transfers that posted it: those whose origin_id is its id.';
comment on column pgledger.holds.id is 'Public id: pglh_ and a ULID.';
comment on column pgledger.holds.app_id is
  'Set of books that both accounts belong to; the empty text where there is only one.';
comment on column pgledger.holds.group_id is
  'Name that joins the holds of one call, for example an order''s number, or null.';
comment on column pgledger.holds.metadata is
  'JSON object given at creation, at most 64 KiB. Store references in it, never personal data.';

revoke all on table pgledger.holds from public;
grant select on table pgledger.holds to pgledger_auditor;

comment on column pgledger.accounts.held_out is
  'Sum of what is left of holds that are to leave the account and are not released here.';
comment on column pgledger.accounts.held_in is
  'Sum of what is left of holds that are to reach the account and are not released here.';

drop function if exists pgledger.legs(text);
drop function if exists pgledger.check_times_before(text, text, timestamptz, timestamptz);

comment on type @extschema@.pgledger_hold is
  'An amount that is kept back on one account for another until it is posted, voided or expired.';
