/*
Ends a tenant's live subscription if it was to end by now and nobody has written that down yet, so
that another one can live. With the id of one that is there already, that one is locked as well.

Locks both FOR NO KEY UPDATE, ascending by id.
*/
create or replace function pgledger.make_way(
  app_id text,
  tenant_id text,
  id text default null
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_key bigint;
begin
  for v_key in
    select subscriptions.key
    from pgledger.subscriptions
    where subscriptions.app_id = make_way.app_id
      and subscriptions.tenant_id = make_way.tenant_id
      and (
        subscriptions.id = make_way.id
        or (
          not subscriptions.add_on
          and subscriptions.status in ('trialing', 'active')
          and subscriptions.cancel_at <= v_now
        )
      )
    order by subscriptions.id
    for no key update
  loop
    perform pgledger.advance_subscription(
      (select subscriptions from pgledger.subscriptions where subscriptions.key = v_key), v_now
    );
  end loop;
end;
$$;

comment on function pgledger.make_way is
  'Ends a tenant''s live subscription that was to end by now, so that another one can live.';

revoke all on function pgledger.make_way from public;
