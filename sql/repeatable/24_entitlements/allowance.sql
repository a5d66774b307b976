/*
Whether so much more of a feature is allowed, in the form in which every entitlement is answered.
An entitlement that a reason decides (there is no subscription, or a switch) is not measured.
*/
create or replace function pgledger.allowance(
  feature_key text,
  used numeric,
  quota numeric,
  soft_limit boolean,
  reason text,
  quantity numeric
)
returns table (
  allowed boolean,
  feature text,
  used_so_far numeric,
  "limit" numeric,
  remaining numeric,
  is_soft boolean,
  why text
)
language sql
stable
parallel safe
rows 1
as $$
  select
    decision.why in ('enabled', 'unlimited', 'within_limit', 'soft_limit'),
    allowance.feature_key,
    allowance.used,
    allowance.quota,
    case
      when allowance.quota = -1 then -1
      else greatest(allowance.quota - allowance.used, 0)
    end,
    allowance.soft_limit,
    decision.why
  from (
    select case
      when allowance.reason <> '' then allowance.reason
      when allowance.quota = -1 then 'unlimited'
      when allowance.used + allowance.quantity <= allowance.quota then 'within_limit'
      when allowance.soft_limit then 'soft_limit'
      else 'limit_exceeded'
    end as why
  ) as decision
$$;

comment on function pgledger.allowance is
  'Whether so much more of a feature is allowed, what is left of it, and why.';

revoke all on function pgledger.allowance from public;
