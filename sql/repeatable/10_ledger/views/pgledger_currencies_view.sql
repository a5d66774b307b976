/*
The newest version of pgledger_currencies_v1, under the name that stays.
*/
create or replace view @extschema@.pgledger_currencies_view as
select
  newest.app_id,
  newest.code,
  newest.amount_scale
from @extschema@.pgledger_currencies_v1 as newest;

comment on view @extschema@.pgledger_currencies_view is
  'Currencies whose decimal places are set: today''s version, pgledger_currencies_v1.';
comment on column @extschema@.pgledger_currencies_view.app_id is
  'Set of books; the empty text where there is only one.';
comment on column @extschema@.pgledger_currencies_view.code is 'Code, for example USD or POINTS.';
comment on column @extschema@.pgledger_currencies_view.amount_scale is
  'Decimal places that amounts may have.';

revoke all on table @extschema@.pgledger_currencies_view from public;
grant select on table @extschema@.pgledger_currencies_view to pgledger_reader;
