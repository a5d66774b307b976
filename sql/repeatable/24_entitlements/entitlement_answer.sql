/*
Whether that much more of a feature is allowed, in the form in which every entitlement is answered.
Where a reason is given (there is no subscription, or the feature is a switch), that decides and
nothing is measured.
*/
create or replace function pgledger.entitlement_answer(
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
    entitlement_answer.feature_key,
    entitlement_answer.used,
    entitlement_answer.quota,
    case
      when entitlement_answer.quota = -1 then -1
      else greatest(entitlement_answer.quota - entitlement_answer.used, 0)
    end,
    entitlement_answer.soft_limit,
    decision.why
  from (
    select case
      when entitlement_answer.reason <> '' then entitlement_answer.reason
      when entitlement_answer.quota = -1 then 'unlimited'
      when entitlement_answer.used + entitlement_answer.quantity <= entitlement_answer.quota
        then 'within_limit'
      when entitlement_answer.soft_limit then 'soft_limit'
      else 'limit_exceeded'
    end as why
  ) as decision
$$;

comment on function pgledger.entitlement_answer is
  'Whether that much more of a feature is allowed, what is left of it, and why.';

revoke all on function pgledger.entitlement_answer from public;
