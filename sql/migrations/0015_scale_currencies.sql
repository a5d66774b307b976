/*
Decimal places of amounts, by currency. They stand beside what the billing store rounds to, and a
currency may have one, the other or both: without an exponent of its own it has ISO 4217's, or the
billing store does not know it.
*/
-- Nobody but the ledger's own functions reads it.
-- squawk-ignore ban-drop-not-null
alter table pgledger.currencies alter column exponent drop not null;
alter table pgledger.currencies
add column amount_scale smallint
constraint currencies_amount_scale_is_0_to_18_check check (amount_scale between 0 and 18)
constraint currencies_amount_scale_is_not_below_exponent_check check (amount_scale >= exponent);

comment on table pgledger.currencies is
  'What an app has set of a currency: how billing rounds, for one beside those of ISO 4217, and '
  'how many decimal places amounts of the ledger may have.';
comment on column pgledger.currencies.app_id is 'App that set it.';
comment on column pgledger.currencies.code is 'Code, for example USD or POINTS.';
comment on column pgledger.currencies.exponent is
  'Decimal places that billing rounds to; null for those of ISO 4217, or if it does not know the '
  'currency.';
comment on column pgledger.currencies.amount_scale is
  'Decimal places that amounts of transfers may have, no fewer than billing rounds to; null for '
  '18. The accounts of the currency have it, too.';

create type @extschema@.pgledger_currency_scale as (
  app_id text collate "C",
  code text collate "C",
  amount_scale integer
);

comment on type @extschema@.pgledger_currency_scale is
  'How many decimal places amounts of a currency may have.';
comment on column @extschema@.pgledger_currency_scale.app_id is
  'Set of books; the empty text where there is only one.';
comment on column @extschema@.pgledger_currency_scale.code is 'Code of the currency.';
comment on column @extschema@.pgledger_currency_scale.amount_scale is
  'Decimal places that amounts may have; null for 18.';

revoke all on type @extschema@.pgledger_currency_scale from public;
grant usage on type @extschema@.pgledger_currency_scale to pgledger_reader;
