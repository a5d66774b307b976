/*
Whether an error can be about the data that was at hand: a value out of range, a constraint, a rule
of ours or of the app's own triggers. What is about the server, the session, the transaction, locks
or the schema concerns all.
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
  'Whether an error leaves other subscriptions a chance.';

revoke all on function pgledger.may_concern_one_subscription from public;
