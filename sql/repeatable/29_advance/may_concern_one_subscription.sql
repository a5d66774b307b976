/*
Whether an error can come from the data of the subscription that was moved: a value out of range, a
constraint, a rule of ours or of the app's own triggers. Errors of the server, the session, the
transaction, locks or the schema would meet every subscription.
*/
create or replace function pgledger.may_concern_one_subscription(error_state text)
returns boolean
language sql
immutable
parallel safe
as $$
  select error_state !~ '^(08|0A|25|40|42|53|54|55P03|57|58|F0|XX)'
$$;

comment on function pgledger.may_concern_one_subscription is
  'Whether an error may concern one subscription alone, and spare the others.';

revoke all on function pgledger.may_concern_one_subscription from public;
