/*
Raises that a subscription cannot be what it was to become. In a message the last argument follows
"cannot become".

Errors: InvalidState.
*/
create or replace function pgledger.refuse_move(
  subscription pgledger.subscriptions,
  target text
)
returns void
language plpgsql
volatile
parallel safe
as $$
begin
  perform pgledger.fail(
    'InvalidState', array['subscription', subscription.id, subscription.status, target]
  );
end;
$$;

comment on function pgledger.refuse_move is
  'Raises that a subscription cannot be what it was to become.';

revoke all on function pgledger.refuse_move from public;
