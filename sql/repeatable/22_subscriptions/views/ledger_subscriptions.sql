/*
Subscriptions as applications see them: what is written down. Columns never change.
*/
create or replace view @extschema@.ledger_subscriptions as
select
  subscriptions.id,
  subscriptions.app_id,
  subscriptions.tenant_id,
  plans.id as plan_id,
  plans.slug as plan_slug,
  subscriptions.status,
  subscriptions.quantity,
  subscriptions.started_at,
  subscriptions.anchor_at,
  subscriptions.time_zone,
  subscriptions.billing_interval,
  subscriptions.interval_count,
  subscriptions.current_period_start,
  subscriptions.current_period_end,
  subscriptions.trial_end,
  subscriptions.cancel_at,
  subscriptions.cancel_at_period_end,
  subscriptions.canceled_at,
  subscriptions.paused_at,
  subscriptions.ended_at,
  subscriptions.add_on,
  subscriptions.unused_time,
  subscriptions.tax_rates,
  subscriptions.version,
  subscriptions.metadata,
  subscriptions.created_at,
  subscriptions.updated_at
from pgledger.subscriptions
inner join pgledger.plans on subscriptions.plan_key = plans.key
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only;

comment on view @extschema@.ledger_subscriptions is
  'One row a subscription. What the clock has decided since (a trial, a period or the subscription '
  'is over) stands here once ledger_advance, or a call that changes it, has written it down.';
comment on column @extschema@.ledger_subscriptions.id is 'Public id: sub_ and a ULID.';
comment on column @extschema@.ledger_subscriptions.app_id is 'App.';
comment on column @extschema@.ledger_subscriptions.tenant_id is 'Tenant who subscribes.';
comment on column @extschema@.ledger_subscriptions.plan_id is 'Id of the current plan.';
comment on column @extschema@.ledger_subscriptions.plan_slug is 'Slug of the current plan.';
comment on column @extschema@.ledger_subscriptions.status is
  'State; canceled is final; one of: scheduled, trialing, active, paused, canceled.';
comment on column @extschema@.ledger_subscriptions.quantity is 'How many times the plan is taken.';
comment on column @extschema@.ledger_subscriptions.started_at is
  'Start of the first period or trial.';
comment on column @extschema@.ledger_subscriptions.anchor_at is
  'Boundary 0 of its periods: every other boundary is a whole number of billing periods from it.';
comment on column @extschema@.ledger_subscriptions.time_zone is
  'IANA time zone in which the days and months of its periods are counted.';
comment on column @extschema@.ledger_subscriptions.billing_interval is
  'Unit of the billing period; one of: day, week, month, year.';
comment on column @extschema@.ledger_subscriptions.interval_count is 'Units in a billing period.';
comment on column @extschema@.ledger_subscriptions.current_period_start is
  'Start of the current period, inclusive.';
comment on column @extschema@.ledger_subscriptions.current_period_end is
  'End of the current period, exclusive.';
comment on column @extschema@.ledger_subscriptions.trial_end is
  'When the trial ends or ended (null without a trial), or null.';
comment on column @extschema@.ledger_subscriptions.cancel_at is
  'When it will end, if that is decided, or null.';
comment on column @extschema@.ledger_subscriptions.cancel_at_period_end is
  'Whether cancel_at is the end of the period, or of the trial, and moves with it.';
comment on column @extschema@.ledger_subscriptions.canceled_at is
  'When its cancellation was asked for, or null.';
comment on column @extschema@.ledger_subscriptions.paused_at is 'Since when it is paused, or null.';
comment on column @extschema@.ledger_subscriptions.ended_at is 'When it ended, or null.';
comment on column @extschema@.ledger_subscriptions.add_on is
  'Whether the plan was an add-on when it was taken: others may be active beside it.';
comment on column @extschema@.ledger_subscriptions.unused_time is
  'What becomes of time that was paid and is left unused by a cancellation; one of: none, credit, '
  'refund.';
comment on column @extschema@.ledger_subscriptions.tax_rates is
  'JSON array of the tax rates of its invoices, as given; an invoice may be given others.';
comment on column @extschema@.ledger_subscriptions.version is 'Counts changes, from 1.';
comment on column @extschema@.ledger_subscriptions.metadata is
  'JSON object of the app''s own, or null.';
comment on column @extschema@.ledger_subscriptions.created_at is 'When it was created.';
comment on column @extschema@.ledger_subscriptions.updated_at is 'When it was last changed.';

revoke all on table @extschema@.ledger_subscriptions from public;
grant select on table @extschema@.ledger_subscriptions to pgledger_reader;
