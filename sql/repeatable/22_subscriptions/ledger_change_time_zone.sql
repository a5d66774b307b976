/*
Nothing is written if the subscription has the zone already, and the server knows those of its
earlier periods.

Where the server does not know the present zone any more, nothing can be counted in it: then the new
one takes its place in all periods, and every instant that is written down stays.

Locks the subscription, and first writes what has become due for it.
Checks, in this order: app_id, tenant_id, id, existence, time_zone, status.
*/
create or replace function @extschema@.ledger_change_time_zone(
  app_id text,
  tenant_id text,
  id text,
  time_zone text
)
returns @extschema@.ledger_subscription
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.subscriptions := pgledger.lock_subscription(app_id, tenant_id, id);
  v_now timestamptz := pgledger.subscription_clock(v_old);
  v_new pgledger.subscriptions := v_old;
  v_ok boolean;
begin
  v_ok := pgledger.check_time_zone(time_zone);

  v_new.earlier_zones := pgledger.known_zones(v_old.earlier_zones);
  if not pgledger.zone_is_known(v_old.time_zone) then
    v_new.time_zone := time_zone;
  end if;
  v_new := pgledger.advance_subscription(v_new, v_now);

  if v_new.time_zone <> time_zone then
    if v_new.status = 'canceled' then
      v_ok := pgledger.refuse_subscription_change(v_new, 'counted in ' || time_zone);
    end if;
    v_new := pgledger.moved_to_zone(v_new, time_zone, v_now);
  elsif (v_new.time_zone, v_new.earlier_zones)
    is not distinct from (v_old.time_zone, v_old.earlier_zones) then
    return pgledger.subscription_with_key(v_new.key);
  end if;

  -- What has ended is not changed any more: only its invoices are drawn up in the zone.
  if v_new.status <> 'canceled' then
    v_new := pgledger.note_subscription_change(v_new, 'time_zone_changed', v_now, v_now);
  end if;
  return pgledger.store_subscription(v_new);
end;
$$;

comment on function @extschema@.ledger_change_time_zone is
$$Counts the periods of a subscription in another time zone.

The current period stays as it is: its start, its end, and what its days cost.
So does the day, week, month or year that a limit is for. From there on,
periods begin at the same time on the clock of the new zone: the anchor keeps
its local time. So the next period is up to a day longer or shorter, and costs
the same. Only an anchor at the end of a trial that goes on keeps its instant,
as the trial does, and so does one at a start that is still to come.

A zone whose name the server does not know any more is replaced in all
periods, and no instant moves. This also mends a subscription that has ended
and is still to be invoiced.

app_id: App.
tenant_id: Tenant whose it is.
id: Id of the subscription.
time_zone: The new zone: UTC, or a name of the IANA database such as
  Europe/Berlin.

Returns: The subscription; the same call again changes nothing.

Errors: NullArgument, InvalidScope, InvalidId, SubscriptionNotFound (the
  tenant has no such subscription), InvalidArgument (the time zone is not
  known), InvalidState (it is canceled, and the server knows its zone).$$;

revoke all on function @extschema@.ledger_change_time_zone from public;
grant execute on function @extschema@.ledger_change_time_zone to pgledger_poster;
