/*
The prices at which a plan's usage in a period has been billed, in the form in which
pgledger.priced_features has those of a plan: what has been billed keeps its price.
*/
create or replace function pgledger.billed_features(
  subscription pgledger.subscriptions,
  plan_key bigint,
  bills pgledger.billed_charge[]
)
returns pgledger.priced_feature[]
language plpgsql
stable
parallel safe
as $$
begin
  return array(
    select
      row(
        format(
          '%s: %s',
          plans.name,
          (
            pgledger.find_feature(subscription.app_id, bill.item, subscription.tenant_id)
          ).name
        ) || coalesce(' beyond ' || (bill.basis ->> 'allowance'), ''),
        bill.item,
        (bill.basis #>> '{price,unit_amount}')::numeric,
        meters.key,
        meters.unique_key,
        bill.basis
      )::pgledger.priced_feature
    from unnest(bills) with ordinality as bill (
      plan_key, item, quantity, amount, true_up, cap, net, events, basis, place
    )
    inner join pgledger.plans on bill.plan_key = plans.key
    left join pgledger.meters
      on meters.app_id = subscription.app_id
      and meters.tenant_id = subscription.tenant_id
      and meters.feature_key = bill.item
    where bill.plan_key = billed_features.plan_key
    order by bill.place
  );
end;
$$;

comment on function pgledger.billed_features is
  'The prices at which a plan''s usage in a period has been billed.';

revoke all on function pgledger.billed_features from public;
