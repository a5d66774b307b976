/*
Subscriptions, and what happened to each. A subscription is live while it is trialing or active and
its cancel_at, if it has one, is still ahead; a scheduled one is live from its start on.
ledger_advance writes down what has become due.
*/
create table pgledger.subscriptions (
  key bigint generated always as identity (minvalue 1 maxvalue 4294967295),
  id text collate "C" not null,
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  plan_key bigint not null,
  add_on boolean not null,
  status text collate "C" not null,
  quantity numeric not null,
  started_at timestamptz not null,
  anchor_at timestamptz not null,
  time_zone text collate "C" not null,
  earlier_zones jsonb,
  billing_interval text collate "C" not null,
  interval_count integer not null,
  period_number integer not null,
  current_period_start timestamptz not null,
  current_period_end timestamptz not null,
  whole_start timestamptz not null,
  quota_anchor_at timestamptz,
  held_quotas jsonb,
  trial_end timestamptz,
  cancel_at timestamptz,
  cancel_at_period_end boolean default false not null,
  canceled_at timestamptz,
  paused_at timestamptz,
  ended_at timestamptz,
  due_at timestamptz,
  unused_time text collate "C" default 'none' not null,
  tax_rates jsonb default '[]' not null,
  invoiced_version bigint default 0 not null,
  invoice_due_at timestamptz,
  advance_at timestamptz,
  version bigint default 1 not null,
  metadata jsonb,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint subscriptions_key_pk primary key (key),
  constraint subscriptions_id_key unique (id),
  constraint subscriptions_plan_key_fk foreign key (plan_key) references pgledger.plans (key),
  constraint subscriptions_status_is_known_check
  check (status in ('scheduled', 'trialing', 'active', 'paused', 'canceled')),
  constraint subscriptions_period_is_not_empty_check
  check (current_period_start < current_period_end),
  constraint subscriptions_unused_time_is_known_check
  check (unused_time in ('none', 'credit', 'refund'))
) with (fillfactor = 70);

create index subscriptions_app_id_tenant_id_idx on pgledger.subscriptions (app_id, tenant_id);
create unique index subscriptions_app_id_tenant_id_live_idx
on pgledger.subscriptions (app_id, tenant_id)
where not add_on and status in ('trialing', 'active');
create index subscriptions_app_id_advance_at_key_idx
on pgledger.subscriptions (app_id, advance_at, key)
where advance_at is not null;
create index subscriptions_app_id_key_idx on pgledger.subscriptions (app_id, key);
create index subscriptions_plan_key_idx on pgledger.subscriptions (plan_key);

comment on table pgledger.subscriptions is
  'Which tenant has which plan, since when and until when.';
comment on column pgledger.subscriptions.key is 'Internal key.';
comment on column pgledger.subscriptions.id is 'Public id: sub_ and a ULID.';
comment on column pgledger.subscriptions.app_id is 'App.';
comment on column pgledger.subscriptions.tenant_id is 'Tenant who subscribes.';
comment on column pgledger.subscriptions.plan_key is 'Current plan.';
comment on column pgledger.subscriptions.add_on is
  'Whether the plan was an add-on when it was taken: others may be active beside it.';
comment on column pgledger.subscriptions.status is
  'State; canceled is final; one of: scheduled, trialing, active, paused, canceled.';
comment on column pgledger.subscriptions.quantity is 'How many times the plan is taken.';
comment on column pgledger.subscriptions.started_at is 'Start of the first period or trial.';
comment on column pgledger.subscriptions.anchor_at is
  'Boundary 0 of its periods: every other boundary is a whole number of billing periods from it.';
comment on column pgledger.subscriptions.time_zone is
  'IANA time zone in which the days and months of its periods are counted.';
comment on column pgledger.subscriptions.earlier_zones is
  'JSON array of the zones of its earlier periods, the oldest first, each with the start of the '
  'last period that is counted in it; null if there is one zone only.';
comment on column pgledger.subscriptions.billing_interval is
  'Unit of the billing period; one of: day, week, month, year.';
comment on column pgledger.subscriptions.interval_count is 'Units in a billing period.';
comment on column pgledger.subscriptions.period_number is
  'Number of the boundary that the current period starts at, or would if it were whole.';
comment on column pgledger.subscriptions.current_period_start is
  'Start of the current period, inclusive.';
comment on column pgledger.subscriptions.current_period_end is
  'End of the current period, exclusive.';
comment on column pgledger.subscriptions.whole_start is
  'Start of the current period if it is whole; earlier than its start if it is a part of one.';
comment on column pgledger.subscriptions.quota_anchor_at is
  'What limits for a day, week, month or year are counted from; null for anchor_at.';
comment on column pgledger.subscriptions.held_quotas is
  'JSON object of limits'' periods that go to their end although others are counted since: start, '
  'end, and the boundary that the next one is counted from; null if there are none.';
comment on column pgledger.subscriptions.trial_end is
  'When the trial ends or ended (null without a trial), or null.';
comment on column pgledger.subscriptions.cancel_at is
  'When it will end, if that is decided, or null.';
comment on column pgledger.subscriptions.cancel_at_period_end is
  'Whether cancel_at is the end of the period, or of the trial, and moves with it.';
comment on column pgledger.subscriptions.canceled_at is
  'When its cancellation was asked for, or null.';
comment on column pgledger.subscriptions.paused_at is 'Since when it is paused, or null.';
comment on column pgledger.subscriptions.ended_at is 'When it ended, or null.';
comment on column pgledger.subscriptions.due_at is
  'Earliest of start, trial end, period end and cancellation that is still to be written down.';
comment on column pgledger.subscriptions.unused_time is
  'What becomes of time that was paid and is left unused by a cancellation; one of: none, credit, '
  'refund.';
comment on column pgledger.subscriptions.tax_rates is
  'JSON array of the tax rates of its invoices, as given; an invoice may be given others.';
comment on column pgledger.subscriptions.invoiced_version is
  'Version of the subscription up to which ledger_advance has looked for what is to be invoiced.';
comment on column pgledger.subscriptions.invoice_due_at is
  'When ledger_advance has to look again for what is to be invoiced; null if there is nothing.';
comment on column pgledger.subscriptions.advance_at is
  'Earlier of due_at and invoice_due_at; later where it has had its turn, or failed.';
comment on column pgledger.subscriptions.version is 'Counts changes, from 1.';
comment on column pgledger.subscriptions.metadata is 'JSON object of the app''s own, or null.';
comment on column pgledger.subscriptions.created_at is 'When it was created.';
comment on column pgledger.subscriptions.updated_at is 'When it was last changed.';

create table pgledger.subscription_changes (
  subscription_key bigint not null,
  version bigint not null,
  change text collate "C" not null,
  occurred_at timestamptz not null,
  created_at timestamptz not null,
  app_id text collate "C" not null,
  tenant_id text collate "C" not null,
  status text collate "C" not null,
  plan_key bigint not null,
  quantity numeric not null,
  period_number integer not null,
  period_start timestamptz not null,
  period_end timestamptz not null,
  whole_start timestamptz not null,
  invoice_now boolean default false not null,
  constraint subscription_changes_subscription_key_version_pk
  primary key (subscription_key, version),
  constraint subscription_changes_subscription_key_fk foreign key (subscription_key)
  references pgledger.subscriptions (key),
  constraint subscription_changes_plan_key_fk foreign key (plan_key)
  references pgledger.plans (key)
);

create index subscription_changes_app_id_tenant_id_idx
on pgledger.subscription_changes (app_id, tenant_id);
create index subscription_changes_plan_key_idx on pgledger.subscription_changes (plan_key);

comment on table pgledger.subscription_changes is
  'One row each time a subscription changed: what happened, and what it was afterwards.';
comment on column pgledger.subscription_changes.subscription_key is 'Subscription.';
comment on column pgledger.subscription_changes.version is
  'The subscription''s version after the change: 1, 2, 3 and so on without a gap.';
comment on column pgledger.subscription_changes.change is
  'What happened; one of: created, started, updated, plan_changed, trial_changed, trial_ended, '
  'time_zone_changed, period_started, cancellation_scheduled, cancellation_withdrawn, canceled, '
  'paused, resumed.';
comment on column pgledger.subscription_changes.occurred_at is
  'When it took effect; for a change that the clock makes due, the boundary itself.';
comment on column pgledger.subscription_changes.created_at is 'When it was written down.';
comment on column pgledger.subscription_changes.app_id is 'App.';
comment on column pgledger.subscription_changes.tenant_id is 'Tenant who subscribes.';
comment on column pgledger.subscription_changes.status is 'Status afterwards.';
comment on column pgledger.subscription_changes.plan_key is 'Plan afterwards.';
comment on column pgledger.subscription_changes.quantity is 'Quantity afterwards.';
comment on column pgledger.subscription_changes.period_number is 'Number of the period afterwards.';
comment on column pgledger.subscription_changes.period_start is 'Start of the period afterwards.';
comment on column pgledger.subscription_changes.period_end is 'End of the period afterwards.';
comment on column pgledger.subscription_changes.whole_start is
  'Start of the period if it is whole; earlier than period_start if it is a part of one.';
comment on column pgledger.subscription_changes.invoice_now is
  'Whether the change is to be invoiced at once, and not with the period.';

alter table pgledger.subscriptions enable row level security;
revoke all on table pgledger.subscriptions from public;
grant select on table pgledger.subscriptions to pgledger_auditor;
alter table pgledger.subscription_changes enable row level security;
revoke all on table pgledger.subscription_changes from public;
grant select on table pgledger.subscription_changes to pgledger_auditor;

create type @extschema@.ledger_subscription as (
  id text collate "C",
  app_id text collate "C",
  tenant_id text collate "C",
  plan_id text collate "C",
  plan_slug text collate "C",
  status text collate "C",
  quantity numeric,
  started_at timestamptz,
  anchor_at timestamptz,
  time_zone text collate "C",
  billing_interval text collate "C",
  interval_count integer,
  current_period_start timestamptz,
  current_period_end timestamptz,
  trial_end timestamptz,
  cancel_at timestamptz,
  cancel_at_period_end boolean,
  canceled_at timestamptz,
  paused_at timestamptz,
  ended_at timestamptz,
  add_on boolean,
  unused_time text collate "C",
  tax_rates jsonb,
  version bigint,
  metadata jsonb,
  created_at timestamptz,
  updated_at timestamptz
);

comment on type @extschema@.ledger_subscription is
  'Which plan a tenant has, since when and until when.';
comment on column @extschema@.ledger_subscription.id is 'Public id: sub_ and a ULID.';
comment on column @extschema@.ledger_subscription.app_id is 'App.';
comment on column @extschema@.ledger_subscription.tenant_id is 'Tenant who subscribes.';
comment on column @extschema@.ledger_subscription.plan_id is 'Id of the current plan.';
comment on column @extschema@.ledger_subscription.plan_slug is 'Slug of the current plan.';
comment on column @extschema@.ledger_subscription.status is
  'State; canceled is final; one of: scheduled, trialing, active, paused, canceled.';
comment on column @extschema@.ledger_subscription.quantity is 'How many times the plan is taken.';
comment on column @extschema@.ledger_subscription.started_at is
  'Start of the first period or trial.';
comment on column @extschema@.ledger_subscription.anchor_at is
  'Boundary 0 of its periods: every other boundary is a whole number of billing periods from it.';
comment on column @extschema@.ledger_subscription.time_zone is
  'IANA time zone in which the days and months of its periods are counted.';
comment on column @extschema@.ledger_subscription.billing_interval is
  'Unit of the billing period; one of: day, week, month, year.';
comment on column @extschema@.ledger_subscription.interval_count is 'Units in a billing period.';
comment on column @extschema@.ledger_subscription.current_period_start is
  'Start of the current period, inclusive.';
comment on column @extschema@.ledger_subscription.current_period_end is
  'End of the current period, exclusive.';
comment on column @extschema@.ledger_subscription.trial_end is
  'When the trial ends or ended (null without a trial), or null.';
comment on column @extschema@.ledger_subscription.cancel_at is
  'When it will end, if that is decided, or null.';
comment on column @extschema@.ledger_subscription.cancel_at_period_end is
  'Whether cancel_at is the end of the period, or of the trial, and moves with it.';
comment on column @extschema@.ledger_subscription.canceled_at is
  'When its cancellation was asked for, or null.';
comment on column @extschema@.ledger_subscription.paused_at is 'Since when it is paused, or null.';
comment on column @extschema@.ledger_subscription.ended_at is 'When it ended, or null.';
comment on column @extschema@.ledger_subscription.add_on is
  'Whether the plan was an add-on when it was taken: others may be active beside it.';
comment on column @extschema@.ledger_subscription.unused_time is
  'What becomes of time that was paid and is left unused by a cancellation; one of: none, credit, '
  'refund.';
comment on column @extschema@.ledger_subscription.tax_rates is
  'JSON array of the tax rates of its invoices, as given; an invoice may be given others.';
comment on column @extschema@.ledger_subscription.version is 'Counts changes, from 1.';
comment on column @extschema@.ledger_subscription.metadata is
  'JSON object of the app''s own, or null.';
comment on column @extschema@.ledger_subscription.created_at is 'When it was created.';
comment on column @extschema@.ledger_subscription.updated_at is 'When it was last changed.';

revoke all on type @extschema@.ledger_subscription from public;
grant usage on type @extschema@.ledger_subscription to pgledger_reader;

create type @extschema@.ledger_subscription_move as (
  tenant_id text collate "C",
  subscription_id text collate "C",
  change text collate "C",
  occurred_at timestamptz,
  invoice_id text collate "C",
  error text collate "C"
);

comment on type @extschema@.ledger_subscription_move is 'One step that the clock has made due.';
comment on column @extschema@.ledger_subscription_move.tenant_id is
  'Tenant whose subscription or invoice it is.';
comment on column @extschema@.ledger_subscription_move.subscription_id is
  'Id of the subscription (null for a one-off invoice), or null.';
comment on column @extschema@.ledger_subscription_move.change is
  'What happened. failed: it could not be moved or invoiced, and is tried again in an hour. '
  'nothing_due: nothing came of what was looked at, and there is more to look at. One of: '
  'started, trial_ended, period_started, canceled, invoice_drafted, invoice_finalized, '
  'invoice_past_due, failed, nothing_due.';
comment on column @extschema@.ledger_subscription_move.occurred_at is
  'The boundary at which it took effect; for an invoice, when it was made or due.';
comment on column @extschema@.ledger_subscription_move.invoice_id is
  'Id of the invoice, if the step is about one, or null.';
comment on column @extschema@.ledger_subscription_move.error is
  'What went wrong, if the step failed, or null.';

revoke all on type @extschema@.ledger_subscription_move from public;
grant usage on type @extschema@.ledger_subscription_move to pgledger_reader;

create table pgledger.advance_runs (
  app_id text collate "C" not null,
  newest_at timestamptz not null,
  constraint advance_runs_app_id_pk primary key (app_id)
);

comment on table pgledger.advance_runs is
  'One row an app: up to when ledger_advance has run. A clock far beyond that is taken for wrong.';
comment on column pgledger.advance_runs.app_id is 'App.';
comment on column pgledger.advance_runs.newest_at is
  'Newest time of a run, written down once an hour at most.';

revoke all on table pgledger.advance_runs from public;
grant select on table pgledger.advance_runs to pgledger_auditor;
