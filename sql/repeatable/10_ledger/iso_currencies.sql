/*
The active codes of ISO 4217, funds included, with their minor units, as of January 2026. Codes that
have no minor unit (gold, drawing rights, tests) are left out: nothing can be rounded to them.
*/
create or replace function pgledger.iso_currencies()
returns table (code text, exponent integer)
language sql
immutable
parallel safe
as $$
  select listed.code, minor_unit.exponent
  from (
    values
      (
        0,
        'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'
      ),
      (
        2,
        'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD '
        'BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP '
        'DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF '
        'IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL '
        'MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR '
        'NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP '
        'SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD '
        'USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG'
      ),
      (
        3,
        'BHD IQD JOD KWD LYD OMR TND'
      ),
      (
        4,
        'CLF UYW'
      )
  ) as minor_unit (exponent, codes)
  cross join lateral pg_catalog.string_to_table(minor_unit.codes, ' ') as listed (code)
$$;

comment on function pgledger.iso_currencies is
  'The active currencies of ISO 4217 that have a minor unit: code and decimal places.';

-- The view of currencies calls it, with the privileges of whoever reads the view.
revoke all on function pgledger.iso_currencies from public;
grant execute on function pgledger.iso_currencies to pgledger_reader;
