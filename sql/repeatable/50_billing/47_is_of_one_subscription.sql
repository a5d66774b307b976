/*
Whether an error says something of the data that was at hand, not of the server or of the
transaction: a value out of range, a constraint, a rule of ours, or of a trigger of the app's.
*/
create or replace function pgledger.is_of_one_subscription(error_state text)
returns boolean
language sql
immutable
parallel safe
as $$
  select error_state ~ '^(22|23|LG|P0001)'
$$;

comment on function pgledger.is_of_one_subscription is
  'Whether an error leaves other subscriptions a chance.';

revoke all on function pgledger.is_of_one_subscription from public;
