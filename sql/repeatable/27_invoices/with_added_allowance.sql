/*
A price with what other subscriptions of the tenant, in which the feature has no price, give of it
for nothing: their soft limits, whole, if they are there at any time in which the plan bills it. One
that was begun in the past gives nothing for what had been billed by then.
*/
create or replace function pgledger.with_added_allowance(
  price pgledger.priced_feature,
  stays pgledger.billing_segment[],
  plan_key bigint,
  rivals pgledger.rival_time[]
)
returns pgledger.priced_feature
language plpgsql
stable
parallel safe
as $$
declare
  v_added numeric := (
    select sum(given.allowance)
    from (
      select max((rival.allowances ->> price.feature_key)::numeric) as allowance
      from unnest(rivals) as rival
      where not rival.priced ? price.feature_key
        and exists (
          select
          from unnest(stays) as stay
          where stay.plan_key = with_added_allowance.plan_key
            and rival.ends_at > stay.starts_at
            and stay.ends_at > greatest(
              rival.starts_at,
              pgledger.billed_before(
                rival.subscription_key, rival.started_at, rival.created_at, price.feature_key
              )
            )
        )
      group by rival.subscription_key
    ) as given
  );
  v_own numeric := coalesce((price.basis ->> 'allowance')::numeric, 0);
begin
  if v_added > 0 then
    price.description := regexp_replace(price.description, ' beyond [0-9.]+$', '')
      || format(' beyond %s', trim_scale(v_own + v_added));
    price.basis := price.basis || jsonb_build_object(
      'added_allowance', trim_scale(v_added)::text
    );
  end if;
  return price;
end;
$$;

comment on function pgledger.with_added_allowance is
  'A price with what other subscriptions of the tenant give of its feature for nothing.';

revoke all on function pgledger.with_added_allowance from public;
