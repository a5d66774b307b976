/*
Written by scripts/build_catalog.py from a freshly migrated database: run make fmt, and read the
difference. How everything of ours is to stand, whatever the surface is called, on any server.

  kind      schema, table, view, sequence, function, type, trigger or policy
  place     'private' or 'surface'; the table of a trigger or policy
  owner     pgledger_owner or pgledger_tenant_views, without the prefix
  granted   what our other roles may do, as role=verb; the role of a policy
  detail    settings, row security; how a trigger or policy is made

In a database without roles of ours all belongs to one role, and nothing is granted.

With a setting of its own it is planned by itself. A query that reads the list in many places would
take longer to be planned than to run, because the list would be put into it as often.
*/
create or replace function pgledger.expected_guards()
returns table (kind text, place text, name text, owner text, granted text, detail text)
language sql
immutable
parallel safe
set jit = off
as $$
  values
    ('function', 'private', 'abridged(text)', 'owner', '', ''),
    ('function', 'private', 'accepted_time(bigint, timestamp with time zone)', 'owner', '', ''),
    ('function', 'private', 'account_answer(accounts, boolean)', 'owner', '', ''),
    ('function', 'private', 'account_as_created(text)', 'owner', '', ''),
    ('function', 'private', 'account_change_bytes(account_changes)', 'owner', '', ''),
    ('function', 'private', 'account_change_details(account_changes)', 'owner', '', ''),
    ('function', 'private', 'account_id(bigint)', 'owner', '', ''),
    ('function', 'private', 'account_id_of_name(text, text, text, text)', 'owner', '', ''),
    ('function', 'private', 'account_key(text, text)', 'owner', '', ''),
    (
      'function', 'private',
      'account_legs(bigint, bigint, bigint, timestamp with time zone, timestamp with time '
      'zone, boolean)', 'owner', '', ''
    ),
    (
      'function', 'private', 'account_request(text, text, numeric, numeric, jsonb, text, text)',
      'owner', '', ''
    ),
    (
      'function', 'private', 'account_status(smallint)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    ('function', 'private', 'account_to_change(text, text, text)', 'owner', '', ''),
    ('function', 'private', 'account_words(text, text, text)', 'owner', '', ''),
    ('function', 'private', 'accounts_ahead(text)', 'owner', '', ''),
    ('function', 'private', 'accounts_of_names(text[], text[], text[], text)', 'owner', '', ''),
    ('function', 'private', 'active_part(jsonb, billing_segment[], text)', 'owner', '', ''),
    ('function', 'private', 'active_time(billing_segment[], billing_segment[])', 'owner', '', ''),
    ('function', 'private', 'actual_guards(name)', 'owner', '', ''),
    ('function', 'private', 'add_shares(invoice_lines[], numeric[], numeric[])', 'owner', '', ''),
    ('function', 'private', 'adoptable_account_id(text, text, text, text)', 'owner', '', ''),
    (
      'function', 'private', 'advance_alone(bigint, text, timestamp with time zone)', 'owner',
      '', ''
    ),
    (
      'function', 'private', 'advance_and_invoice(bigint, text, timestamp with time zone)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'advance_due_subscriptions(text, integer, text, timestamp with time zone, boolean)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'advance_subscription(subscriptions, timestamp with time zone, boolean, integer)', 'owner',
      '', ''
    ),
    (
      'function', 'private',
      'aggregate_usage(text, text, text, timestamp with time zone, timestamp with time zone, '
      'text)', 'owner', '', ''
    ),
    ('function', 'private', 'amount_fault(numeric)', 'owner', '', ''),
    ('function', 'private', 'amount_to_reverse(transfers, numeric)', 'owner', '', ''),
    (
      'function', 'private', 'amount_to_sweep(text, text, numeric, numeric, text)', 'owner', '',
      ''
    ),
    (
      'function', 'private',
      'answer_repeated_transfer(text, text, numeric, text, text, bigint, bigint, bigint, '
      'bigint)', 'owner', '', ''
    ),
    ('function', 'private', 'apply_coupons(invoices, invoice_lines[], integer)', 'owner', '', ''),
    ('function', 'private', 'apply_taxes(invoices, invoice_lines[], integer)', 'owner', '', ''),
    ('function', 'private', 'argument_length(interval)', 'owner', '', ''),
    ('function', 'private', 'argument_range(numrange)', 'owner', '', ''),
    ('function', 'private', 'argument_time(timestamp with time zone)', 'owner', '', ''),
    (
      'function', 'private',
      'as_final(invoices, timestamp with time zone, timestamp with time zone)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'balance_then(bigint, bigint, numeric, timestamp with time zone, timestamp with time '
      'zone, text)', 'owner', '', ''
    ),
    ('function', 'private', 'base32_lanes(bigint)', 'owner', '', ''),
    ('function', 'private', 'base32_pair(integer)', 'owner', '', ''),
    ('function', 'private', 'base32_text(bigint)', 'owner', '', ''),
    (
      'function', 'private',
      'base_lines(subscriptions, timestamp with time zone, billing_segment[], boolean, '
      'invoices, integer)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'base_parts(subscriptions, timestamp with time zone, billing_segment[], invoices)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'base_runs(subscriptions, timestamp with time zone, billing_segment[], invoices)', 'owner',
      '', ''
    ),
    (
      'function', 'private', 'base_terms(bigint, billing_segment[], timestamp with time zone)',
      'owner', '', ''
    ),
    ('function', 'private', 'begin_plan(bigint, plans, plan_features[])', 'owner', '', ''),
    ('function', 'private', 'begin_plan_anew(plans, plan_versions)', 'owner', '', ''),
    (
      'function', 'private', 'billed_base(bigint, timestamp with time zone, invoices)', 'owner',
      '', ''
    ),
    (
      'function', 'private',
      'billed_before(bigint, timestamp with time zone, timestamp with time zone, text)', 'owner',
      '', ''
    ),
    (
      'function', 'private', 'billed_features(subscriptions, bigint, billed_charge[])', 'owner',
      '', ''
    ),
    (
      'function', 'private', 'billed_periods(subscriptions, timestamp with time zone, invoices)',
      'owner', '', ''
    ),
    ('function', 'private', 'billed_rates(invoice_lines, invoices)', 'owner', '', ''),
    (
      'function', 'private', 'billed_usage(bigint, timestamp with time zone, invoices)', 'owner',
      '', ''
    ),
    (
      'function', 'private', 'billing_period(subscriptions, timestamp with time zone)', 'owner',
      '', ''
    ),
    (
      'function', 'private', 'billing_segments(subscriptions, timestamp with time zone)',
      'owner', '', ''
    ),
    ('function', 'private', 'billing_stays(billing_segment[])', 'owner', '', ''),
    ('function', 'private', 'block_changes(bigint)', 'owner', '', ''),
    ('function', 'private', 'blocks_lock()', 'owner', '', ''),
    (
      'function', 'private', 'bound_line(invoice_lines, text, text, numeric, numeric)', 'owner',
      '', ''
    ),
    (
      'function', 'private',
      'cached_entitlement(text, text, text, numeric, timestamp with time zone)', 'owner', '', ''
    ),
    ('function', 'private', 'change_account(accounts, accounts, text, text)', 'owner', '', ''),
    ('function', 'private', 'change_links(text)', 'owner', '', ''),
    (
      'function', 'private', 'change_period(text, timestamp with time zone, text, text)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'changed_base(subscriptions, timestamp with time zone, billing_segment[], boolean, '
      'invoices, integer)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'changed_plan_terms(plans, jsonb, jsonb, integer, timestamp with time zone)', 'owner', '',
      ''
    ),
    ('function', 'private', 'changes_since(bigint, bigint)', 'owner', '', ''),
    (
      'function', 'private',
      'charge_by_difference(jsonb, numeric, numeric[], numeric[], boolean, numeric, numeric, '
      'integer)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'charge_by_events(jsonb, integer, billing_segment[], timestamp with time zone, boolean, '
      'numeric, numeric, integer)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'charge_by_share(jsonb, numeric, numeric[], numeric[], numeric, numeric, numeric, '
      'integer)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'charged_segments(subscriptions, timestamp with time zone, billing_segment[])', 'owner',
      '', ''
    ),
    ('function', 'private', 'charged_usage(jsonb, numeric, numeric, jsonb)', 'owner', '', ''),
    ('function', 'private', 'check_account_name(text, text, bigint, bigint)', 'owner', '', ''),
    (
      'function', 'private',
      'check_account_times(text[], text[], timestamp with time zone, timestamp with time zone, '
      'bigint[], bigint)', 'owner', '', ''
    ),
    (
      'function', 'private', 'check_accounts(text[], text[], text, text[], bigint[], bigint)',
      'owner', '', ''
    ),
    (
      'function', 'private', 'check_advance_span(text, timestamp with time zone, interval)',
      'owner', '', ''
    ),
    ('function', 'private', 'check_allocation(numeric, numeric[], integer)', 'owner', '', ''),
    ('function', 'private', 'check_app(text)', 'owner', '', ''),
    (
      'function', 'private', 'check_arrays(text[], bigint[], integer[], integer, bigint)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'check_asked_conditions(bigint, bigint, numrange, numrange, bigint, bigint)', 'owner', '',
      ''
    ),
    (
      'function', 'private',
      'check_balance(bigint, numeric, numeric, bigint, bigint, boolean, numeric)', 'owner', '',
      ''
    ),
    ('function', 'private', 'check_balance_scales(text, text[], integer[])', 'owner', '', ''),
    (
      'function', 'private',
      'check_batch(text[], text[], numeric[], timestamp with time zone[], jsonb[], text[], '
      'text, text, jsonb, bigint[], bigint[], numrange[], numrange[], text[])', 'owner', '', ''
    ),
    ('function', 'private', 'check_billing_scope(text, text)', 'owner', '', ''),
    (
      'function', 'private', 'check_cancellation(boolean, text, timestamp with time zone)',
      'owner', '', ''
    ),
    ('function', 'private', 'check_catalogue_scope(text, text, boolean)', 'owner', '', ''),
    ('function', 'private', 'check_choice(text, text, text[])', 'owner', '', ''),
    ('function', 'private', 'check_cleared(text[], jsonb)', 'owner', '', ''),
    (
      'function', 'private',
      'check_conditions(bigint, bigint, bigint, bigint, numeric, numeric, bigint, bigint, '
      'numrange, numrange, bigint, bigint)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'check_correction(text, text, text, timestamp with time zone, numeric, boolean, text)',
      'owner', '', ''
    ),
    ('function', 'private', 'check_coupon_currency(coupons)', 'owner', '', ''),
    ('function', 'private', 'check_coupon_discount(coupons)', 'owner', '', ''),
    ('function', 'private', 'check_coupon_duration(text, integer)', 'owner', '', ''),
    ('function', 'private', 'check_coupon_items(text[])', 'owner', '', ''),
    ('function', 'private', 'check_coupon_redemptions(coupons, coupons)', 'owner', '', ''),
    ('function', 'private', 'check_coupon_terms(coupons)', 'owner', '', ''),
    ('function', 'private', 'check_currency_unused(text, text, integer)', 'owner', '', ''),
    (
      'function', 'private',
      'check_each_hold_request(text[], text[], numeric[], timestamp with time zone[], '
      'timestamp with time zone[], jsonb[], text[], boolean, text[])', 'owner', '', ''
    ),
    (
      'function', 'private',
      'check_each_named_request(text[], text[], numeric[], text[], timestamp with time zone[], '
      'jsonb[], text[], text[], text[], boolean, bigint[], bigint[], numrange[], numrange[], '
      'text[])', 'owner', '', ''
    ),
    (
      'function', 'private',
      'check_each_request(text[], text[], numeric[], timestamp with time zone[], jsonb[], '
      'text[], boolean, timestamp with time zone, jsonb, bigint[], bigint[], numrange[], '
      'numrange[], text[])', 'owner', '', ''
    ),
    (
      'function', 'private',
      'check_effective_at(timestamp with time zone, jsonb, jsonb, integer)', 'owner', '', ''
    ),
    ('function', 'private', 'check_entitlement_ttl(interval)', 'owner', '', ''),
    ('function', 'private', 'check_event_feature(jsonb, text, plan_features)', 'owner', '', ''),
    ('function', 'private', 'check_event_price(jsonb, text)', 'owner', '', ''),
    (
      'function', 'private', 'check_event_quantities(jsonb, numeric, numeric, jsonb)', 'owner',
      '', ''
    ),
    (
      'function', 'private', 'check_expiry(timestamp with time zone, interval, bigint, bigint)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'check_expiry_ahead(timestamp with time zone, timestamp with time zone, bigint, bigint)',
      'owner', '', ''
    ),
    ('function', 'private', 'check_exponent(text, integer, integer)', 'owner', '', ''),
    ('function', 'private', 'check_exported_seals(jsonb)', 'owner', '', ''),
    ('function', 'private', 'check_feature(features)', 'owner', '', ''),
    ('function', 'private', 'check_feature_defaults(features)', 'owner', '', ''),
    ('function', 'private', 'check_feature_exists(text, text, text)', 'owner', '', ''),
    (
      'function', 'private',
      'check_hold_batch(text[], text[], numeric[], timestamp with time zone[], timestamp with '
      'time zone[], jsonb[], text[], text, text, text[])', 'owner', '', ''
    ),
    (
      'function', 'private',
      'check_hold_pending(holds, timestamp with time zone, bigint, bigint)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'check_hold_request(text, text, numeric, timestamp with time zone, interval, timestamp '
      'with time zone, jsonb, text, boolean, bigint, bigint)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'check_hold_requests(text[], text[], numeric[], timestamp with time zone[], timestamp '
      'with time zone[], jsonb[], text[], text, text, boolean, text[])', 'owner', '', ''
    ),
    ('function', 'private', 'check_hold_scales(text, text[], integer[])', 'owner', '', ''),
    ('function', 'private', 'check_id(text, text, text, bigint, bigint)', 'owner', '', ''),
    (
      'function', 'private',
      'check_import(invoices, timestamp with time zone, timestamp with time zone, text, '
      'timestamp with time zone)', 'owner', '', ''
    ),
    ('function', 'private', 'check_imported_books(text)', 'owner', '', ''),
    (
      'function', 'private',
      'check_invoice_filter(text, timestamp with time zone, timestamp with time zone)', 'owner',
      '', ''
    ),
    ('function', 'private', 'check_invoice_total(invoices)', 'owner', '', ''),
    ('function', 'private', 'check_json_array(jsonb, text)', 'owner', '', ''),
    ('function', 'private', 'check_json_object(jsonb, text, text[])', 'owner', '', ''),
    ('function', 'private', 'check_json_size(jsonb, text, boolean)', 'owner', '', ''),
    ('function', 'private', 'check_key(text, bigint, bigint)', 'owner', '', ''),
    (
      'function', 'private',
      'check_legs(bigint, bigint, bigint, bigint, numeric, numeric, numeric, bigint, bigint, '
      'numrange, numrange, boolean, bigint, bigint)', 'owner', '', ''
    ),
    ('function', 'private', 'check_limits(numeric, numeric)', 'owner', '', ''),
    (
      'function', 'private',
      'check_list_of_accounts(text, text, timestamp with time zone, timestamp with time zone, '
      'jsonb, text, text)', 'owner', '', ''
    ),
    (
      'function', 'private', 'check_listed_times(text[], timestamp with time zone[])', 'owner',
      '', ''
    ),
    ('function', 'private', 'check_metadata(jsonb, bigint, bigint)', 'owner', '', ''),
    (
      'function', 'private',
      'check_named_request(text, text, numeric, text, timestamp with time zone, jsonb, text, '
      'text, text, boolean, bigint, bigint)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'check_named_requests(text[], text[], numeric[], text[], timestamp with time zone[], '
      'jsonb[], text[], text[], text[], text, text, boolean, bigint[], bigint[], numrange[], '
      'numrange[], text[])', 'owner', '', ''
    ),
    (
      'function', 'private',
      'check_new_account(text, text, boolean, boolean, jsonb, text, text, numeric, numeric)',
      'owner', '', ''
    ),
    (
      'function', 'private', 'check_new_limits(boolean, boolean, numeric, numeric)', 'owner', '',
      ''
    ),
    ('function', 'private', 'check_new_subscription(subscriptions, integer)', 'owner', '', ''),
    ('function', 'private', 'check_no_earlier_draft(invoices)', 'owner', '', ''),
    (
      'function', 'private', 'check_no_final_invoice_goes_on_from(invoices, text)', 'owner', '',
      ''
    ),
    ('function', 'private', 'check_page(integer, bigint)', 'owner', '', ''),
    (
      'function', 'private', 'check_past(timestamp with time zone, timestamp with time zone)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'check_payment(timestamp with time zone, text, timestamp with time zone)', 'owner', '', ''
    ),
    ('function', 'private', 'check_payment_amount(numeric, text, integer)', 'owner', '', ''),
    (
      'function', 'private', 'check_period(text, timestamp with time zone, bigint, bigint)',
      'owner', '', ''
    ),
    (
      'function', 'private', 'check_periods(text, timestamp with time zone[], bigint[], bigint)',
      'owner', '', ''
    ),
    ('function', 'private', 'check_plan(plans)', 'owner', '', ''),
    ('function', 'private', 'check_plan_change(subscriptions, plans)', 'owner', '', ''),
    (
      'function', 'private',
      'check_posting_requests(text[], numeric[], boolean[], timestamp with time zone[], '
      'jsonb[], text[], text, boolean, text[])', 'owner', '', ''
    ),
    ('function', 'private', 'check_prefix(text)', 'owner', '', ''),
    ('function', 'private', 'check_price(jsonb, text)', 'owner', '', ''),
    ('function', 'private', 'check_price_bounds(jsonb, text)', 'owner', '', ''),
    ('function', 'private', 'check_price_object(jsonb, text)', 'owner', '', ''),
    ('function', 'private', 'check_price_tiers(jsonb, text, text)', 'owner', '', ''),
    (
      'function', 'private', 'check_price_usage(jsonb, numeric, numeric, integer, jsonb)',
      'owner', '', ''
    ),
    ('function', 'private', 'check_priced_limit(plan_features, text, integer)', 'owner', '', ''),
    ('function', 'private', 'check_quantity(text, numeric)', 'owner', '', ''),
    ('function', 'private', 'check_read_committed()', 'owner', '', ''),
    ('function', 'private', 'check_reason(text)', 'owner', '', ''),
    (
      'function', 'private', 'check_redeemable(coupons, text, timestamp with time zone)',
      'owner', '', ''
    ),
    ('function', 'private', 'check_repeated(text, jsonb, jsonb, text)', 'owner', '', ''),
    (
      'function', 'private',
      'check_repeated_hold(holds, text, text, numeric, timestamp with time zone, interval, '
      'timestamp with time zone, jsonb, text, text, bigint, bigint)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'check_request_details(numeric, timestamp with time zone, jsonb, text, boolean, bigint, '
      'bigint)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'check_reversal(accounts, accounts, numeric, boolean, timestamp with time zone)', 'owner',
      '', ''
    ),
    (
      'function', 'private', 'check_scales(text[], text[], numeric[], bigint[], bigint)',
      'owner', '', ''
    ),
    ('function', 'private', 'check_scales_of_billing(text, text[], integer[])', 'owner', '', ''),
    (
      'function', 'private', 'check_scope(text, text, integer, integer, bigint, bigint)',
      'owner', '', ''
    ),
    (
      'function', 'private', 'check_span(timestamp with time zone, timestamp with time zone)',
      'owner', '', ''
    ),
    ('function', 'private', 'check_statuses(text[], text[], bigint[], bigint)', 'owner', '', ''),
    ('function', 'private', 'check_subscription_quantity(numeric)', 'owner', '', ''),
    ('function', 'private', 'check_tax_rates(jsonb, text)', 'owner', '', ''),
    ('function', 'private', 'check_text(text, text, integer, boolean, integer)', 'owner', '', ''),
    ('function', 'private', 'check_tightened_limits(accounts, numeric, numeric)', 'owner', '', ''),
    ('function', 'private', 'check_time_zone(text)', 'owner', '', ''),
    (
      'function', 'private',
      'check_times_before(text, text, timestamp with time zone, timestamp with time zone, '
      'bigint, bigint)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'check_transfer_request(text, text, numeric, timestamp with time zone, jsonb, text, '
      'boolean, bigint, bigint)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'check_transfer_requests(text[], text[], numeric[], timestamp with time zone[], jsonb[], '
      'text[], text, text, boolean, timestamp with time zone, jsonb, bigint[], bigint[], '
      'numrange[], numrange[], text[])', 'owner', '', ''
    ),
    (
      'function', 'private', 'check_usage_edges(text, text, text, timestamp with time zone[])',
      'owner', '', ''
    ),
    ('function', 'private', 'check_usage_keeps_meaning(features)', 'owner', '', ''),
    (
      'function', 'private',
      'check_usage_not_purged(subscriptions, text, timestamp with time zone)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'check_usage_range(text, text, timestamp with time zone, timestamp with time zone)',
      'owner', '', ''
    ),
    ('function', 'private', 'check_zones(subscriptions)', 'owner', '', ''),
    ('function', 'private', 'cleared(text[])', 'owner', '', ''),
    ('function', 'private', 'clock()', 'owner', '', ''),
    ('function', 'private', 'clock_warning()', 'owner', '', ''),
    ('function', 'private', 'closed_until(text)', 'owner', '', ''),
    ('function', 'private', 'closed_until_for(text, timestamp with time zone[])', 'owner', '', ''),
    (
      'function', 'private', 'complete_invoice(invoices, invoice_lines[], integer, boolean)',
      'owner', '', ''
    ),
    ('function', 'private', 'concerns_tenant(bigint, bigint, text)', 'owner', '', ''),
    (
      'function', 'private', 'conditions_are_sound(bigint[], bigint[], numrange[], numrange[])',
      'owner', '', ''
    ),
    (
      'function', 'private', 'consume_within_limit(text, text, text, numeric, text, jsonb)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'correct_usage(text, text, text, timestamp with time zone, numeric, text)', 'owner', '',
      ''
    ),
    (
      'function', 'private',
      'count_usage_values(timestamp with time zone, integer[], timestamp with time zone[], '
      'jsonb[])', 'owner', '', ''
    ),
    ('function', 'private', 'counted_value(jsonb, text)', 'owner', '', ''),
    ('function', 'private', 'counts_as_billed(invoices, invoices)', 'owner', '', ''),
    ('function', 'private', 'coupon_redemption_with_key(bigint)', 'owner', '', ''),
    (
      'function', 'private',
      'coupon_shares(numeric[], text[], text[], numeric, numeric, integer)', 'owner', '', ''
    ),
    ('function', 'private', 'coupon_with_key(bigint)', 'owner', '', ''),
    ('function', 'private', 'covered_at(bigint)', 'owner', '', ''),
    (
      'function', 'private',
      'create_bulk_transfers(text[], text[], numeric[], timestamp with time zone[], jsonb[], '
      'text[], text, text, boolean, bigint[], bigint[], numrange[], numrange[], text[])',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'create_keyed_holds(text[], text[], numeric[], timestamp with time zone[], timestamp '
      'with time zone[], jsonb[], text[], text, text, text[])', 'owner', '', ''
    ),
    (
      'function', 'private', 'create_keyed_transfer(text, text, numeric, text, text)', 'owner',
      '', ''
    ),
    (
      'function', 'private',
      'create_keyed_transfers(text[], text[], numeric[], timestamp with time zone[], jsonb[], '
      'text[], text, text, bigint[], bigint[], numrange[], numrange[], text[], text, text[], '
      'text[], text[], text[], text[])', 'owner', '', ''
    ),
    (
      'function', 'private',
      'create_repeatable_holds(text[], text[], numeric[], timestamp with time zone[], '
      'timestamp with time zone[], jsonb[], text[], text, text, bigint[], timestamp with time '
      'zone)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'create_repeatable_transfer(text, text, numeric, timestamp with time zone, jsonb, text, '
      'text, bigint, bigint, numrange, numrange, text, text, jsonb)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'create_repeatable_transfers(text[], text[], numeric[], timestamp with time zone[], '
      'jsonb[], text[], text, text, bigint[], bigint[], numrange[], numrange[], boolean[], '
      'timestamp with time zone)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'create_transfers_of_rows(pgledger_transfer_request[], timestamp with time zone, jsonb, '
      'text, text, boolean)', 'owner', '', ''
    ),
    ('function', 'private', 'credited_invoices(bigint)', 'owner', '', ''),
    ('function', 'private', 'credited_part(numeric[], jsonb, integer)', 'owner', '', ''),
    ('function', 'private', 'credited_taxes(invoice_lines[])', 'owner', '', ''),
    ('function', 'private', 'currencies_lock(text)', 'owner', '', ''),
    ('function', 'private', 'currency_exponent(text, text)', 'owner', '', ''),
    ('function', 'private', 'cursor_is_known(text)', 'owner', '', ''),
    (
      'function', 'private', 'cut_at_cancellation(subscriptions, billing_segment[])', 'owner',
      '', ''
    ),
    ('function', 'private', 'decimal_fault(jsonb)', 'owner', '', ''),
    ('function', 'private', 'decimal_places(integer)', 'owner', '', ''),
    (
      'function', 'private', 'delete_usage_before(text, timestamp with time zone, integer)',
      'owner', '', ''
    ),
    (
      'function', 'private', 'derived_ulid(timestamp with time zone, bigint, bigint)', 'owner',
      '', ''
    ),
    (
      'function', 'private',
      'discount_line(bigint, text, numeric, numeric, text[], numeric, numeric)', 'owner', '', ''
    ),
    ('function', 'private', 'discountable(invoice_lines[])', 'owner', '', ''),
    (
      'function', 'private',
      'divide_usage(integer[], timestamp with time zone[], bigint, timestamp with time zone, '
      'integer[], numeric[], timestamp with time zone[])', 'owner', '', ''
    ),
    ('function', 'private', 'draft_goes_before(invoices, invoices)', 'owner', '', ''),
    ('function', 'private', 'drafts_to_finalize(subscriptions, bigint)', 'owner', '', ''),
    (
      'function', 'private',
      'draw_invoice(subscriptions, text, timestamp with time zone, bigint, jsonb, bigint)',
      'owner', '', ''
    ),
    ('function', 'private', 'draw_lines(subscriptions, invoices, integer)', 'owner', '', ''),
    (
      'function', 'private',
      'due_base(subscriptions, timestamp with time zone, billing_segment[], boolean, invoices, '
      'integer)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'due_usage(subscriptions, billing_segment[], billed_charge[], boolean, integer, text[])',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'edges_of_parts(timestamp with time zone, timestamp with time zone, text, text)', 'owner',
      '', ''
    ),
    ('function', 'private', 'end_overdue_subscription(text, text, text)', 'owner', '', ''),
    ('function', 'private', 'ensured_under_key(text, jsonb, pgledger_account)', 'owner', '', ''),
    (
      'function', 'private', 'enter_period(subscriptions, timestamp with time zone)', 'owner',
      '', ''
    ),
    ('function', 'private', 'entitlement(text, text, text)', 'owner', '', ''),
    (
      'function', 'private',
      'entitlement_answer(text, numeric, numeric, boolean, text, numeric)', 'owner', '', ''
    ),
    ('function', 'private', 'entitlement_ttl(text)', 'owner', '', ''),
    (
      'function', 'private',
      'entitlement_versions(text, text, text, timestamp with time zone, timestamp with time '
      'zone)', 'owner', '', ''
    ),
    (
      'function', 'private', 'entry_id(timestamp with time zone, bigint, bigint)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    ('function', 'private', 'error_code(text)', 'owner', '', ''),
    ('function', 'private', 'error_registry()', 'owner', 'reader=EXECUTE', ''),
    ('function', 'private', 'error_text(text, text[])', 'owner', '', ''),
    (
      'function', 'private',
      'event_correction(bigint, timestamp with time zone, timestamp with time zone)', 'owner',
      '', ''
    ),
    (
      'function', 'private',
      'event_cost(jsonb, integer, timestamp with time zone, timestamp with time zone, numeric, '
      'numeric)', 'owner', '', ''
    ),
    (
      'function', 'private', 'event_excess(numeric, numeric, numeric, numeric, numeric)',
      'owner', '', ''
    ),
    (
      'function', 'private', 'event_id(timestamp with time zone, bigint)', 'owner',
      'reader=EXECUTE tenant=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'private',
      'event_of_key(text, text, text, numeric, timestamp with time zone, text, boolean)',
      'owner', '', ''
    ),
    ('function', 'private', 'event_price(jsonb)', 'owner', '', ''),
    (
      'function', 'private', 'event_price_parts(jsonb, numeric, numeric, numeric)', 'owner', '',
      ''
    ),
    ('function', 'private', 'event_sums(jsonb, numeric[])', 'owner', '', ''),
    ('function', 'private', 'expected_guards()', 'owner', '', ''),
    ('function', 'private', 'expiry_after(timestamp with time zone, interval)', 'owner', '', ''),
    ('function', 'private', 'fail(text, text[], bigint, bigint, text, text)', 'owner', '', ''),
    ('function', 'private', 'failed_hold_outcome(text, text, text, text)', 'owner', '', ''),
    ('function', 'private', 'failed_outcome(text, text, text, text)', 'owner', '', ''),
    ('function', 'private', 'feature_allowed_in_plan(text, text, text, bigint)', 'owner', '', ''),
    ('function', 'private', 'feature_is_repeated(features)', 'owner', '', ''),
    ('function', 'private', 'feature_with_id(text)', 'owner', '', ''),
    ('function', 'private', 'features_page(text, text, integer, bigint, text)', 'owner', '', ''),
    ('function', 'private', 'finalize_invoice(bigint, timestamp with time zone)', 'owner', '', ''),
    ('function', 'private', 'find_coupon(text, text, text)', 'owner', '', ''),
    ('function', 'private', 'find_feature(text, text, text)', 'owner', '', ''),
    (
      'function', 'private',
      'find_or_draft_invoice(subscriptions, text, timestamp with time zone, bigint, jsonb)',
      'owner', '', ''
    ),
    ('function', 'private', 'flag_limit(boolean, numeric)', 'owner', '', ''),
    (
      'function', 'private',
      'forget_usage_values(integer, timestamp with time zone, timestamp with time zone)',
      'owner', '', ''
    ),
    ('function', 'private', 'frozen_bits(text)', 'owner', '', ''),
    ('function', 'private', 'given_arguments(jsonb)', 'owner', '', ''),
    ('function', 'private', 'granted_role_fault(name)', 'owner', '', ''),
    ('function', 'private', 'guard_faults(name, boolean, oid[])', 'owner', '', ''),
    ('function', 'private', 'has_prices(bigint, bigint)', 'owner', '', ''),
    (
      'function', 'private', 'has_unbilled_reports(text, text, timestamp with time zone)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'has_usage_between(integer, timestamp with time zone, timestamp with time zone)', 'owner',
      '', ''
    ),
    (
      'function', 'private',
      'held_legs_failure(bigint, bigint, numeric, numeric, numeric, numeric, numeric)', 'owner',
      '', ''
    ),
    (
      'function', 'private', 'held_now(bigint, numeric, boolean)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    ('function', 'private', 'hold_answer(holds, boolean)', 'owner', '', ''),
    ('function', 'private', 'hold_bytes(holds, timestamp with time zone)', 'owner', '', ''),
    ('function', 'private', 'hold_end_bytes(holds, text)', 'owner', '', ''),
    ('function', 'private', 'hold_ended_by(text, bigint)', 'owner', '', ''),
    (
      'function', 'private',
      'hold_in_batch(text, text, numeric, timestamp with time zone, timestamp with time zone, '
      'jsonb, text, text, text, text, idempotency_keys, holds)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'hold_outcomes(text[], text[], numeric[], timestamp with time zone[], timestamp with '
      'time zone[], jsonb[], text[], text, text, boolean, text[])', 'owner', '', ''
    ),
    (
      'function', 'private',
      'hold_request(text, text, numeric, timestamp with time zone, interval, timestamp with '
      'time zone, jsonb, text, text)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'hold_request_failure(text, text, numeric, timestamp with time zone, timestamp with time '
      'zone, jsonb, text, boolean, text)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'hold_request_failures(text[], text[], numeric[], timestamp with time zone[], timestamp '
      'with time zone[], jsonb[], text[], boolean, text[])', 'owner', '', ''
    ),
    (
      'function', 'private',
      'hold_request_is_sound(text, text, numeric, timestamp with time zone, timestamp with '
      'time zone, jsonb, text, timestamp with time zone)', 'owner', '', ''
    ),
    (
      'function', 'private', 'hold_status(smallint, timestamp with time zone)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    ('function', 'private', 'holds_by_id(text[], boolean[])', 'owner', '', ''),
    ('function', 'private', 'hook_arguments()', 'owner', '', ''),
    ('function', 'private', 'hook_fault(text, text)', 'owner', '', ''),
    ('function', 'private', 'id_fault(text, text)', 'owner', '', ''),
    (
      'function', 'private', 'ids_of_new_requests(bigint[], text[], text[], text[], boolean[])',
      'owner', '', ''
    ),
    ('function', 'private', 'ids_of_repeats(text[], text[], bigint[])', 'owner', '', ''),
    (
      'function', 'private',
      'ids_under_keys(text[], text[], bigint[], text[], text[], boolean[], timestamp with time '
      'zone)', 'owner', '', ''
    ),
    ('function', 'private', 'import_account_faults()', 'owner', '', ''),
    ('function', 'private', 'import_entry_faults()', 'owner', '', ''),
    ('function', 'private', 'import_faults(text)', 'owner', '', ''),
    ('function', 'private', 'import_history_faults()', 'owner', '', ''),
    (
      'function', 'private',
      'import_request(subscriptions, timestamp with time zone, invoices, integer)', 'owner', '',
      ''
    ),
    ('function', 'private', 'import_transfer_faults(text)', 'owner', '', ''),
    (
      'function', 'private',
      'imported_lines(invoice_lines[], invoice_lines[], subscriptions, timestamp with time '
      'zone, integer)', 'owner', '', ''
    ),
    ('function', 'private', 'in_app(text)', 'owner', '', ''),
    ('function', 'private', 'in_catalogue(text, text)', 'owner', '', ''),
    (
      'function', 'private',
      'ingest_one_usage(text, text, text, numeric, timestamp with time zone, text, jsonb, '
      'timestamp with time zone)', 'owner', '', ''
    ),
    ('function', 'private', 'insert_coupon(coupons)', 'owner', '', ''),
    ('function', 'private', 'insert_feature(features, timestamp with time zone)', 'owner', '', ''),
    ('function', 'private', 'insert_one_off_invoice(invoices, invoice_lines[])', 'owner', '', ''),
    ('function', 'private', 'insert_plan(plans)', 'owner', '', ''),
    ('function', 'private', 'insert_subscription(subscriptions, text, integer)', 'owner', '', ''),
    (
      'function', 'private',
      'insert_usage(bigint, timestamp with time zone, integer[], integer[], numeric[], '
      'timestamp with time zone[], text[], jsonb[])', 'owner', '', ''
    ),
    (
      'function', 'private',
      'interim_start(bigint, timestamp with time zone, timestamp with time zone)', 'owner', '',
      ''
    ),
    ('function', 'private', 'interval_length(text, integer)', 'owner', '', ''),
    ('function', 'private', 'invalidate_feature(text, text, text)', 'owner', '', ''),
    ('function', 'private', 'invisible_characters()', 'owner', '', ''),
    ('function', 'private', 'invoice_key(text, text, text, text)', 'owner', '', ''),
    ('function', 'private', 'invoice_occasions(subscriptions, boolean, bigint)', 'owner', '', ''),
    (
      'function', 'private',
      'invoice_on_occasion(subscriptions, text, timestamp with time zone, bigint, boolean)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'invoice_request(subscriptions, timestamp with time zone, text, jsonb)', 'owner', '', ''
    ),
    ('function', 'private', 'invoice_subscription(subscriptions, boolean)', 'owner', '', ''),
    ('function', 'private', 'invoice_text(jsonb, text, integer)', 'owner', '', ''),
    ('function', 'private', 'invoice_time(jsonb, text, text)', 'owner', '', ''),
    ('function', 'private', 'invoice_with_key(bigint)', 'owner', '', ''),
    ('function', 'private', 'invoiceable_version(subscriptions)', 'owner', '', ''),
    (
      'function', 'private', 'invoiced_at_once(text, subscriptions, subscriptions)', 'owner', '',
      ''
    ),
    ('function', 'private', 'is_first_bill(bigint, timestamp with time zone)', 'owner', '', ''),
    ('function', 'private', 'is_read_singly(meters)', 'owner', '', ''),
    ('function', 'private', 'iso_currencies()', 'owner', 'reader=EXECUTE', ''),
    ('function', 'private', 'json_bytes(jsonb)', 'owner', '', ''),
    ('function', 'private', 'json_choice(jsonb, text, text, text[], boolean)', 'owner', '', ''),
    (
      'function', 'private', 'json_decimal(jsonb, text, text, boolean, numeric, numeric)',
      'owner', '', ''
    ),
    ('function', 'private', 'json_path(text, text)', 'owner', '', ''),
    ('function', 'private', 'json_text(jsonb, text, text)', 'owner', '', ''),
    (
      'function', 'private', 'keep_ended_hold()', 'owner', '',
      'search_path=pg_catalog, pgledger, pg_temp'
    ),
    ('function', 'private', 'keep_scale(text, text)', 'owner', '', ''),
    ('function', 'private', 'kept_tax(numeric, numeric, numeric, integer)', 'owner', '', ''),
    (
      'function', 'private', 'key_of_request(text, text, text, jsonb, bigint, bigint)', 'owner',
      '', ''
    ),
    ('function', 'private', 'key_sequences()', 'owner', '', ''),
    (
      'function', 'private',
      'keyed_hold_requests(text[], text[], numeric[], timestamp with time zone[], timestamp '
      'with time zone[], jsonb[], text[], text, text[])', 'owner', '', ''
    ),
    (
      'function', 'private',
      'keyed_posting_requests(text[], numeric[], boolean[], timestamp with time zone[], '
      'jsonb[], text[], text[])', 'owner', '', ''
    ),
    (
      'function', 'private',
      'keyed_requests(text[], text[], numeric[], timestamp with time zone[], jsonb[], text[], '
      'text, bigint[], bigint[], numrange[], numrange[], text[], text[], text[], text[], '
      'text[], text[])', 'owner', '', ''
    ),
    ('function', 'private', 'keys_are_sound(text[])', 'owner', '', ''),
    ('function', 'private', 'keys_of_requests(text, text[], text, jsonb[])', 'owner', '', ''),
    ('function', 'private', 'known_zones(jsonb)', 'owner', '', ''),
    (
      'function', 'private',
      'last_change(subscriptions, timestamp with time zone, timestamp with time zone)', 'owner',
      '', ''
    ),
    (
      'function', 'private', 'last_version_before(bigint, timestamp with time zone)', 'owner',
      '', ''
    ),
    (
      'function', 'private',
      'late_lines(subscriptions, timestamp with time zone, invoices, integer)', 'owner', '', ''
    ),
    (
      'function', 'private', 'late_usage(subscriptions, timestamp with time zone, invoices)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'latest_usage_between(integer, timestamp with time zone, timestamp with time zone)',
      'owner', '', ''
    ),
    ('function', 'private', 'legs(text)', 'owner', '', ''),
    (
      'function', 'private',
      'legs_failure(bigint, bigint, bigint, bigint, numeric, numeric, numeric, bigint, bigint, '
      'numrange, numrange, boolean)', 'owner', '', ''
    ),
    (
      'function', 'private', 'less_billed_usage(usage_charge, billed_charge[], integer)',
      'owner', '', ''
    ),
    ('function', 'private', 'limit_fault(numeric)', 'owner', '', ''),
    ('function', 'private', 'limits_in_force(text, bigint, bigint)', 'owner', '', ''),
    (
      'function', 'private', 'line_item(invoice_lines, timestamp with time zone)', 'owner',
      'reader=EXECUTE tenant=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    ('function', 'private', 'line_json(invoice_lines, timestamp with time zone)', 'owner', '', ''),
    ('function', 'private', 'lock_account(text, text)', 'owner', '', ''),
    ('function', 'private', 'lock_accounts(text[])', 'owner', '', ''),
    ('function', 'private', 'lock_coupon(text, text, boolean)', 'owner', '', ''),
    ('function', 'private', 'lock_coupon_of_code(text, text, text)', 'owner', '', ''),
    ('function', 'private', 'lock_currency_exponent(text, text)', 'owner', '', ''),
    ('function', 'private', 'lock_draft(text, text, text, text)', 'owner', '', ''),
    ('function', 'private', 'lock_feature(text, text, boolean)', 'owner', '', ''),
    ('function', 'private', 'lock_hold(text, text, bigint, bigint)', 'owner', '', ''),
    ('function', 'private', 'lock_holds(text[], text)', 'owner', '', ''),
    ('function', 'private', 'lock_invoice(text, text, text, text, boolean)', 'owner', '', ''),
    ('function', 'private', 'lock_named_accounts(text[], text[], text[], text)', 'owner', '', ''),
    ('function', 'private', 'lock_plan(text, text, boolean)', 'owner', '', ''),
    ('function', 'private', 'lock_redemptions(text, text, boolean)', 'owner', '', ''),
    ('function', 'private', 'lock_seat_meters(text, text[], text[])', 'owner', '', ''),
    ('function', 'private', 'lock_subscription(text, text, text)', 'owner', '', ''),
    ('function', 'private', 'lock_transfer(text, text)', 'owner', '', ''),
    (
      'function', 'private',
      'lock_usage_event(text, text, text, timestamp with time zone, boolean)', 'owner', '', ''
    ),
    ('function', 'private', 'look_again()', 'owner', '', ''),
    ('function', 'private', 'look_again_for_id(text)', 'owner', '', ''),
    (
      'function', 'private', 'lower_invoice(bigint, numeric, timestamp with time zone)', 'owner',
      '', ''
    ),
    (
      'function', 'private',
      'made_hold_outcome(text, timestamp with time zone, timestamp with time zone)', 'owner', '',
      ''
    ),
    ('function', 'private', 'make_blocks()', 'owner', '', ''),
    (
      'function', 'private',
      'make_hold(text, text, numeric, timestamp with time zone, interval, timestamp with time '
      'zone, jsonb, text, text, text, timestamp with time zone, bigint, bigint, text)', 'owner',
      '', ''
    ),
    (
      'function', 'private',
      'make_holds(text[], text[], numeric[], timestamp with time zone[], timestamp with time '
      'zone[], jsonb[], text[], text, text, bigint[], bigint, timestamp with time zone)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'make_sound_holds(pgledger_hold_outcome[], text[], text[], text[], numeric[], timestamp '
      'with time zone[], timestamp with time zone[], jsonb[], text[], text, text, text[])',
      'owner', '', ''
    ),
    (
      'function', 'private', 'mark_past_due(text, integer, timestamp with time zone)', 'owner',
      '', ''
    ),
    ('function', 'private', 'may_concern_one_subscription(text)', 'owner', '', ''),
    ('function', 'private', 'may_remember(text, text, text)', 'owner', '', ''),
    ('function', 'private', 'metadata_fault(jsonb)', 'owner', '', ''),
    (
      'function', 'private',
      'metered_charge(priced_feature, billing_segment[], billing_segment[], timestamp with '
      'time zone, numeric, numeric[], numeric[], boolean, text, integer)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'metered_event_sums(jsonb, integer, timestamp with time zone, timestamp with time zone)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'meters_to_open(text, text[], text[], timestamp with time zone[], jsonb[], bigint[], '
      'timestamp with time zone)', 'owner', '', ''
    ),
    ('function', 'private', 'microsecond_digits()', 'owner', '', ''),
    (
      'function', 'private',
      'missed_rivals(subscriptions, timestamp with time zone, timestamp with time zone)',
      'owner', '', ''
    ),
    ('function', 'private', 'moment_before(timestamp with time zone)', 'owner', '', ''),
    ('function', 'private', 'most_undivided_usage()', 'owner', '', ''),
    ('function', 'private', 'move_account_name(accounts, text)', 'owner', '', ''),
    (
      'function', 'private',
      'move_purge_line(tenants, timestamp with time zone, boolean, timestamp with time zone, '
      'timestamp with time zone)', 'owner', '', ''
    ),
    ('function', 'private', 'moved_invoices(bigint[], bigint[])', 'owner', '', ''),
    (
      'function', 'private',
      'moved_to_plan(subscriptions, plans, text, boolean, timestamp with time zone)', 'owner',
      '', ''
    ),
    (
      'function', 'private', 'moved_to_zone(subscriptions, text, timestamp with time zone)',
      'owner', '', ''
    ),
    ('function', 'private', 'moves_at_once()', 'owner', '', ''),
    (
      'function', 'private',
      'named_request(text, text, numeric, text, timestamp with time zone, jsonb, text, text, '
      'text, text, bigint, bigint, numrange, numrange)', 'owner', '', ''
    ),
    ('function', 'private', 'new_hold_ids(timestamp with time zone, integer)', 'owner', '', ''),
    (
      'function', 'private',
      'new_hold_places(text[], text[], numeric[], timestamp with time zone[], timestamp with '
      'time zone[], jsonb[], text[], text, text)', 'owner', '', ''
    ),
    ('function', 'private', 'new_subscription(subscriptions, plans, integer)', 'owner', '', ''),
    (
      'function', 'private', 'new_transfer_ids(timestamp with time zone, integer)', 'owner', '',
      ''
    ),
    (
      'function', 'private',
      'new_transfer_places(text[], text[], numeric[], timestamp with time zone[], jsonb[], '
      'text[], text, text[])', 'owner', '', ''
    ),
    ('function', 'private', 'new_ulid(timestamp with time zone)', 'owner', '', ''),
    (
      'function', 'private',
      'next_base_lines(subscriptions, timestamp with time zone, bigint, boolean, invoices, '
      'integer)', 'owner', '', ''
    ),
    ('function', 'private', 'note_advance(text, timestamp with time zone)', 'owner', '', ''),
    (
      'function', 'private',
      'note_change(text, text, text, timestamp with time zone, text, text, jsonb)', 'owner', '',
      ''
    ),
    (
      'function', 'private', 'note_credits(bigint, text, timestamp with time zone)', 'owner', '',
      ''
    ),
    (
      'function', 'private', 'note_hold_changes(text[], text, timestamp with time zone)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'note_subscription_change(subscriptions, text, timestamp with time zone, timestamp with '
      'time zone, boolean)', 'owner', '', ''
    ),
    ('function', 'private', 'note_taxes(invoice_lines[], numeric[])', 'owner', '', ''),
    ('function', 'private', 'noted_bytes(noted_changes)', 'owner', '', ''),
    ('function', 'private', 'number_invoices(text, bigint[])', 'owner', '', ''),
    ('function', 'private', 'occasions_in_order(invoice_occasion[])', 'owner', '', ''),
    (
      'function', 'private',
      'open_account(text, text, text, numeric, numeric, jsonb, text, text)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'open_meters(text, text[], text[], timestamp with time zone[], jsonb[], bigint[], '
      'timestamp with time zone)', 'owner', '', ''
    ),
    ('function', 'private', 'opening_bytes(accounts)', 'owner', '', ''),
    ('function', 'private', 'opening_details(accounts)', 'owner', '', ''),
    ('function', 'private', 'other_tax_lines(invoice_lines[], jsonb)', 'owner', '', ''),
    ('function', 'private', 'own_lines(bigint)', 'owner', '', ''),
    ('function', 'private', 'owner_faults(name, boolean)', 'owner', '', ''),
    ('function', 'private', 'page_begins_at(timestamp with time zone, integer)', 'owner', '', ''),
    (
      'function', 'private',
      'page_in_window(text, timestamp with time zone, timestamp with time zone, timestamp with '
      'time zone, text, timestamp with time zone, timestamp with time zone, text, jsonb, text, '
      'integer)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'page_of_account(bigint, bigint, bigint, text, jsonb, text, integer)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'page_of_account_by_event(bigint, bigint, bigint, timestamp with time zone, timestamp '
      'with time zone, text, jsonb, text, integer)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'page_of_transfers(text, timestamp with time zone, timestamp with time zone, timestamp '
      'with time zone, text, timestamp with time zone, timestamp with time zone, text, jsonb, '
      'text, integer)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'pass_on_accepted_time(text[], timestamp with time zone, timestamp with time zone)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'pay_invoice(invoices, numeric, timestamp with time zone, text, text, timestamp with '
      'time zone)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'payment_is_repeated(text, bigint, numeric, timestamp with time zone, text)', 'owner', '',
      ''
    ),
    (
      'function', 'private',
      'period_at(timestamp with time zone, text, text, integer, timestamp with time zone)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'period_boundary(timestamp with time zone, text, text, integer, integer)', 'owner', '', ''
    ),
    (
      'function', 'private', 'period_end_cancellation(subscriptions, timestamp with time zone)',
      'owner', '', ''
    ),
    ('function', 'private', 'period_links(text)', 'owner', '', ''),
    ('function', 'private', 'periods_lock(text)', 'owner', '', ''),
    ('function', 'private', 'picked(jsonb, text[])', 'owner', '', ''),
    (
      'function', 'private',
      'pieces_of_part(integer, integer, bigint, timestamp with time zone, timestamp with time '
      'zone, timestamp with time zone, integer)', 'owner', '', ''
    ),
    ('function', 'private', 'place_import()', 'owner', '', ''),
    (
      'function', 'private',
      'place_run(text[], text[], numeric[], timestamp with time zone[], jsonb[], text[], text, '
      'text[], jsonb[])', 'owner', '', ''
    ),
    ('function', 'private', 'place_subscription(subscriptions)', 'owner', '', ''),
    (
      'function', 'private',
      'placed_hold_outcome(text, text, numeric, timestamp with time zone, timestamp with time '
      'zone, jsonb, text, text, text, text, text[], timestamp with time zone, '
      'idempotency_keys, holds)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'placed_outcome(text, text, numeric, timestamp with time zone, jsonb, text, text, '
      'text[], text, jsonb)', 'owner', '', ''
    ),
    ('function', 'private', 'places_left(bigint[], boolean[])', 'owner', '', ''),
    ('function', 'private', 'plain_json(jsonb)', 'owner', '', ''),
    ('function', 'private', 'plain_tax_rates(jsonb)', 'owner', '', ''),
    ('function', 'private', 'plan_entered_at(billing_segment[], bigint)', 'owner', '', ''),
    ('function', 'private', 'plan_priority(bigint, timestamp with time zone)', 'owner', '', ''),
    ('function', 'private', 'plan_terms(bigint, timestamp with time zone)', 'owner', '', ''),
    (
      'function', 'private', 'plan_trial(subscriptions, plans, text, timestamp with time zone)',
      'owner', '', ''
    ),
    ('function', 'private', 'plan_with_key(bigint)', 'owner', '', ''),
    ('function', 'private', 'policies()', 'owner', '', ''),
    ('function', 'private', 'policy_faults(boolean)', 'owner', '', ''),
    (
      'function', 'private',
      'post_changed_hold(text, numeric, boolean, numeric, numeric, timestamp with time zone)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'post_holds(text[], numeric[], boolean[], timestamp with time zone[], jsonb[], text[], '
      'timestamp with time zone, timestamp with time zone, bigint[], bigint)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'post_holds_in_order(text[], numeric[], boolean[], timestamp with time zone[], jsonb[], '
      'text[], text, bigint[], bigint, text[])', 'owner', '', ''
    ),
    (
      'function', 'private',
      'post_keyed_holds(text[], numeric[], boolean[], timestamp with time zone[], jsonb[], '
      'text[], text, text[], timestamp with time zone)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'post_locked_holds(text[], numeric[], boolean[], timestamp with time zone[], jsonb[], '
      'text[], text, bigint[], bigint, timestamp with time zone, timestamp with time zone)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'post_pending_hold(text, numeric, boolean, timestamp with time zone, jsonb, text, text, '
      'bigint, bigint, text)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'post_reversal(transfers, numeric, timestamp with time zone, jsonb, text, text, '
      'timestamp with time zone)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'post_run(integer[], text[], text[], numeric[], timestamp with time zone[], jsonb[], '
      'text[], text, text, bigint[], bigint[], numrange[], numrange[], text[], jsonb[])',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'post_runs(pgledger_transfer_outcome[], integer[], text[], text[], numeric[], timestamp '
      'with time zone[], jsonb[], text[], text, text, bigint[], bigint[], numrange[], '
      'numrange[], text[])', 'owner', '', ''
    ),
    (
      'function', 'private',
      'post_transfers(text[], text[], numeric[], timestamp with time zone[], jsonb[], text[], '
      'text, text, bigint[], bigint, timestamp with time zone, jsonb, bigint[], bigint[], '
      'numrange[], numrange[], timestamp with time zone, boolean, text[], jsonb[])', 'owner', '',
      ''
    ),
    (
      'function', 'private',
      'posted_outcome(text, timestamp with time zone, numeric, numeric, bigint, bigint)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'posted_transfers(text[], text[], timestamp with time zone[], jsonb[], timestamp with '
      'time zone, jsonb, text, text, text[], timestamp with time zone, numeric[], integer[], '
      'numeric[], numeric[], bigint[], bigint[], text[], text[], text[])', 'owner', '', ''
    ),
    (
      'function', 'private',
      'posting_request(text, numeric, boolean, timestamp with time zone, jsonb, text)', 'owner',
      '', ''
    ),
    ('function', 'private', 'postpone_advance(bigint, timestamp with time zone)', 'owner', '', ''),
    (
      'function', 'private',
      'preview_invoice(subscriptions, timestamp with time zone, text, jsonb)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'price_amounts(jsonb, numeric, numeric, numeric, numeric, numeric, numeric)', 'owner', '',
      ''
    ),
    ('function', 'private', 'price_description(jsonb, numeric, numeric)', 'owner', '', ''),
    (
      'function', 'private', 'price_lines(jsonb, numeric, numeric, numeric, numeric)', 'owner',
      '', ''
    ),
    (
      'function', 'private', 'priced_features(subscriptions, bigint, timestamp with time zone)',
      'owner', '', ''
    ),
    (
      'function', 'private', 'prorated(numeric, numeric, numeric, numeric, integer)', 'owner',
      '', ''
    ),
    (
      'function', 'private',
      'proration_unit(timestamp with time zone, timestamp with time zone, timestamp with time '
      'zone, text, text)', 'owner', '', ''
    ),
    ('function', 'private', 'purge_bounds(tenants, timestamp with time zone)', 'owner', '', ''),
    (
      'function', 'private',
      'purgeable_usage(integer, timestamp with time zone, timestamp with time zone[], '
      'timestamp with time zone[], integer)', 'owner', '', ''
    ),
    ('function', 'private', 'put_back(bigint, bigint)', 'owner', '', ''),
    ('function', 'private', 'quantity_fault(numeric)', 'owner', '', ''),
    (
      'function', 'private', 'quota_period(subscriptions, text, timestamp with time zone)',
      'owner', '', ''
    ),
    ('function', 'private', 'read_invoice_line(jsonb, text, integer, boolean)', 'owner', '', ''),
    (
      'function', 'private', 'read_invoice_lines(jsonb, integer, integer, boolean)', 'owner', '',
      ''
    ),
    ('function', 'private', 'read_plan_base(jsonb)', 'owner', '', ''),
    ('function', 'private', 'read_plan_feature(jsonb, text, features)', 'owner', '', ''),
    ('function', 'private', 'read_plan_features(jsonb, text, text, bigint)', 'owner', '', ''),
    (
      'function', 'private', 'read_plan_versions(bigint, timestamp with time zone)', 'owner', '',
      ''
    ),
    ('function', 'private', 'read_pricing(jsonb, plan_features[])', 'owner', '', ''),
    ('function', 'private', 'redeem_coupon(text, text, text, text, text)', 'owner', '', ''),
    ('function', 'private', 'redraw_invoice(invoices, subscriptions)', 'owner', '', ''),
    ('function', 'private', 'refuse_account(text, text, text, bigint, bigint)', 'owner', '', ''),
    (
      'function', 'private', 'refuse_account_name(text, text, text, text, bigint, bigint)',
      'owner', '', ''
    ),
    (
      'function', 'private', 'refuse_change()', 'owner', '',
      'search_path=pg_catalog, pgledger, pg_temp'
    ),
    ('function', 'private', 'refuse_invoice_move(invoices, text)', 'owner', '', ''),
    ('function', 'private', 'refuse_json(jsonb, text, text)', 'owner', '', ''),
    (
      'function', 'private', 'refuse_key(idempotency_keys, text, jsonb, bigint, bigint)',
      'owner', '', ''
    ),
    (
      'function', 'private', 'refuse_repeated(text, jsonb, jsonb, bigint, bigint, text)',
      'owner', '', ''
    ),
    (
      'function', 'private', 'refuse_repeated_transfer(text, jsonb, bigint, bigint, jsonb)',
      'owner', '', ''
    ),
    (
      'function', 'private', 'refuse_request_name(text[], text[], text, text[], text[])',
      'owner', '', ''
    ),
    ('function', 'private', 'refuse_scheduled_clash(subscriptions)', 'owner', '', ''),
    ('function', 'private', 'refuse_second_subscription(text, text, text)', 'owner', '', ''),
    (
      'function', 'private', 'refuse_subscription_change(subscriptions, text, text)', 'owner',
      '', ''
    ),
    ('function', 'private', 'refuse_taken_id(text, text[])', 'owner', '', ''),
    (
      'function', 'private', 'release_expired(bigint[], timestamp with time zone)', 'owner', '',
      ''
    ),
    ('function', 'private', 'release_locked(text[], bigint[])', 'owner', '', ''),
    ('function', 'private', 'released_account(accounts, accounts)', 'owner', '', ''),
    (
      'function', 'private',
      'remember_entitlement(text, text, text, numeric, interval, timestamp with time zone)',
      'owner', '', ''
    ),
    ('function', 'private', 'repeated_coupon(coupons)', 'owner', '', ''),
    (
      'function', 'private',
      'repeated_hold(text, text, numeric, timestamp with time zone, interval, timestamp with '
      'time zone, jsonb, text, text, text, bigint, bigint, text, text)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'repeated_import(invoices, invoice_lines[], timestamp with time zone, timestamp with '
      'time zone, text)', 'owner', '', ''
    ),
    ('function', 'private', 'repeated_invoice(invoices, invoice_lines[])', 'owner', '', ''),
    ('function', 'private', 'repeated_plan(plans)', 'owner', '', ''),
    (
      'function', 'private',
      'repeated_posting(holds, numeric, boolean, timestamp with time zone, jsonb, text, '
      'bigint, bigint)', 'owner', '', ''
    ),
    ('function', 'private', 'repeated_redemption(text, text, text, text, text)', 'owner', '', ''),
    (
      'function', 'private',
      'repeated_reversal(transfers, numeric, timestamp with time zone, jsonb, text, text)',
      'owner', '', ''
    ),
    (
      'function', 'private', 'repeated_subscription(subscriptions, text, integer)', 'owner', '',
      ''
    ),
    (
      'function', 'private',
      'repeated_transfer(text, text, bigint, bigint, numeric, timestamp with time zone, jsonb)',
      'owner', '', ''
    ),
    (
      'function', 'private', 'repeated_usage(integer, text, numeric, timestamp with time zone)',
      'owner', '', ''
    ),
    ('function', 'private', 'replayed_account(text)', 'owner', '', ''),
    (
      'function', 'private',
      'replayed_outcome(text, timestamp with time zone, numeric, numeric, bigint, bigint)',
      'owner', '', ''
    ),
    ('function', 'private', 'replayed_outcomes(text, text[], jsonb[])', 'owner', '', ''),
    ('function', 'private', 'replayed_transfer(text)', 'owner', '', ''),
    (
      'function', 'private',
      'request_failure(text, text, numeric, timestamp with time zone, jsonb, text, boolean, '
      'bigint, bigint, numrange, numrange, text)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'request_failures(text[], text[], numeric[], timestamp with time zone[], jsonb[], '
      'text[], boolean, bigint[], bigint[], numrange[], numrange[], text[])', 'owner', '', ''
    ),
    (
      'function', 'private',
      'request_is_sound(text, text, numeric, timestamp with time zone, jsonb, text, timestamp '
      'with time zone)', 'owner', '', ''
    ),
    ('function', 'private', 'request_is_whole(text, jsonb)', 'owner', '', ''),
    (
      'function', 'private',
      'resolve_usage(text, text[], text[], text[], numeric[], timestamp with time zone[], '
      'text[], jsonb[], timestamp with time zone, timestamp with time zone, timestamp with '
      'time zone)', 'owner', '', ''
    ),
    ('function', 'private', 'return_coupons(bigint, timestamp with time zone)', 'owner', '', ''),
    (
      'function', 'private',
      'reversal_request(text, numeric, timestamp with time zone, jsonb, text, text)', 'owner',
      '', ''
    ),
    (
      'function', 'private',
      'reverse_transfer(text, numeric, timestamp with time zone, jsonb, text, text, boolean, '
      'text, text)', 'owner', '', ''
    ),
    ('function', 'private', 'reversed_amount(text, text, bigint)', 'owner', '', ''),
    ('function', 'private', 'rewrite_coupon(coupons)', 'owner', '', ''),
    ('function', 'private', 'rewrite_plan(plans, plans, plan_versions)', 'owner', '', ''),
    ('function', 'private', 'right_words(text)', 'owner', '', ''),
    ('function', 'private', 'rights_added(name, boolean, oid[])', 'owner', '', ''),
    ('function', 'private', 'rights_held(name)', 'owner', '', ''),
    ('function', 'private', 'rights_missing(name, boolean)', 'owner', '', ''),
    ('function', 'private', 'rights_wanted(name, boolean)', 'owner', '', ''),
    (
      'function', 'private',
      'rival_changes(subscriptions, timestamp with time zone, timestamp with time zone, '
      'timestamp with time zone)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'rival_times(subscriptions, timestamp with time zone, timestamp with time zone)', 'owner',
      '', ''
    ),
    (
      'function', 'private',
      'roll_up_usage(bigint, timestamp with time zone, integer[], numeric[], timestamp with '
      'time zone[])', 'owner', '', ''
    ),
    ('function', 'private', 'rounded_quotient(numeric, numeric, integer)', 'owner', '', ''),
    ('function', 'private', 'row_security_faults(name)', 'owner', '', ''),
    ('function', 'private', 'run_again(text)', 'owner', '', ''),
    ('function', 'private', 'run_numbers(text[], text[], integer[])', 'owner', '', ''),
    ('function', 'private', 'scale_currencies(text, text[], integer[])', 'owner', '', ''),
    ('function', 'private', 'seal_root(bigint, bytea)', 'owner', '', ''),
    ('function', 'private', 'searched_metadata_fault(jsonb)', 'owner', '', ''),
    (
      'function', 'private',
      'seat_levels(integer, timestamp with time zone, timestamp with time zone, timestamp with '
      'time zone, timestamp with time zone, text, text)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'seats_added(integer, timestamp with time zone, timestamp with time zone, bigint, '
      'numeric)', 'owner', '', ''
    ),
    (
      'function', 'private', 'seats_charge(jsonb, integer, billing_segment[], text, integer)',
      'owner', '', ''
    ),
    (
      'function', 'private', 'segments_until(billing_segment[], timestamp with time zone)',
      'owner', '', ''
    ),
    ('function', 'private', 'setting_faults(name)', 'owner', '', ''),
    ('function', 'private', 'settle_credit(bigint, timestamp with time zone)', 'owner', '', ''),
    ('function', 'private', 'show_invoice(invoices, invoice_lines[])', 'owner', '', ''),
    ('function', 'private', 'slice_chain(slice_start, bigint, bigint)', 'owner', '', ''),
    ('function', 'private', 'slice_end(bigint, bigint, integer)', 'owner', '', ''),
    ('function', 'private', 'slice_legs(bigint, bigint, bigint, bigint)', 'owner', '', ''),
    ('function', 'private', 'slice_start(text)', 'owner', '', ''),
    (
      'function', 'private',
      'slice_start_after(slice_start, bigint, bigint, bigint, numeric, timestamp with time '
      'zone)', 'owner', '', ''
    ),
    ('function', 'private', 'slice_summary(slice_start, bigint, bigint)', 'owner', '', ''),
    ('function', 'private', 'split_amount(numeric[], numeric, integer)', 'owner', '', ''),
    ('function', 'private', 'start_due_subscription(text, text)', 'owner', '', ''),
    ('function', 'private', 'store_invoice(invoices, invoice_lines[])', 'owner', '', ''),
    ('function', 'private', 'store_lines(bigint, invoice_lines[])', 'owner', '', ''),
    ('function', 'private', 'store_subscription(subscriptions)', 'owner', '', ''),
    ('function', 'private', 'stronger_role_fault(name)', 'owner', '', ''),
    ('function', 'private', 'subscribable_plan(text, text, text)', 'owner', '', ''),
    ('function', 'private', 'subscription_clock(subscriptions)', 'owner', '', ''),
    ('function', 'private', 'subscription_due_at(subscriptions)', 'owner', '', ''),
    (
      'function', 'private', 'subscription_period(subscriptions, timestamp with time zone)',
      'owner', '', ''
    ),
    (
      'function', 'private', 'subscription_times(subscriptions, timestamp with time zone)',
      'owner', '', ''
    ),
    ('function', 'private', 'subscription_with_key(bigint)', 'owner', '', ''),
    ('function', 'private', 'subtree_ranges(text)', 'owner', '', ''),
    ('function', 'private', 'surface_schema()', 'owner', '', ''),
    ('function', 'private', 'sweep_account(accounts, text)', 'owner', '', ''),
    (
      'function', 'private',
      'sweep_request(text, text, numeric, numeric, timestamp with time zone, jsonb, text)',
      'owner', '', ''
    ),
    ('function', 'private', 'take_account_name(text, text, text, text, text)', 'owner', '', ''),
    ('function', 'private', 'take_back_credit(bigint, timestamp with time zone)', 'owner', '', ''),
    (
      'function', 'private', 'take_key(text, text, text, jsonb, text, bigint, bigint)', 'owner',
      '', ''
    ),
    ('function', 'private', 'take_keys(text, text[], text, jsonb[], text[])', 'owner', '', ''),
    ('function', 'private', 'take_live_place(subscriptions)', 'owner', '', ''),
    (
      'function', 'private',
      'take_usage(text, text[], text[], numeric[], timestamp with time zone[], text[], '
      'jsonb[], timestamp with time zone)', 'owner', '', ''
    ),
    ('function', 'private', 'taken_in_period(invoices, bigint)', 'owner', '', ''),
    (
      'function', 'private', 'tax_beside_credits(numeric, numeric, integer, numeric, numeric)',
      'owner', '', ''
    ),
    (
      'function', 'private', 'tax_line(text, numeric, jsonb, numeric, numeric, boolean)',
      'owner', '', ''
    ),
    ('function', 'private', 'taxable_parts(invoice_lines[], jsonb)', 'owner', '', ''),
    (
      'function', 'private', 'taxes_given_back(jsonb, numeric, numeric, boolean, integer)',
      'owner', '', ''
    ),
    (
      'function', 'private', 'tell_hook(text, text, text, text, timestamp with time zone)',
      'owner', '', ''
    ),
    ('function', 'private', 'tell_of_invoices(text, text, bigint[])', 'owner', '', ''),
    ('function', 'private', 'tell_of_paid_by_credit(bigint)', 'owner', '', ''),
    ('function', 'private', 'tenant_role_fault(name)', 'owner', '', ''),
    ('function', 'private', 'text_fault(text, integer, integer, boolean)', 'owner', '', ''),
    ('function', 'private', 'time_fault(timestamp with time zone)', 'owner', '', ''),
    ('function', 'private', 'time_import()', 'owner', '', ''),
    ('function', 'private', 'time_of_seats(text, text, text)', 'owner', '', ''),
    ('function', 'private', 'time_zone_of_tenant(text, text)', 'owner', '', ''),
    (
      'function', 'private', 'total_part_again(integer, integer, timestamp with time zone)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'total_usage_again(integer, timestamp with time zone, numeric, numeric)', 'owner', '', ''
    ),
    ('function', 'private', 'trace_credits(invoices, invoice_lines[], integer)', 'owner', '', ''),
    ('function', 'private', 'transfer_answer(text, boolean)', 'owner', '', ''),
    (
      'function', 'private',
      'transfer_outcomes(text[], text[], numeric[], timestamp with time zone[], jsonb[], '
      'text[], text, text, boolean, bigint[], bigint[], numrange[], numrange[], text[])',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'transfer_request(text, text, numeric, timestamp with time zone, jsonb, text, text, '
      'bigint, bigint, numrange, numrange)', 'owner', '', ''
    ),
    ('function', 'private', 'transfer_time(text, text, text)', 'owner', '', ''),
    ('function', 'private', 'transfers_by_id(text[])', 'owner', '', ''),
    ('function', 'private', 'trial_end(timestamp with time zone, text, integer)', 'owner', '', ''),
    ('function', 'private', 'trigger_faults()', 'owner', '', ''),
    ('function', 'private', 'try_zone(subscriptions, text)', 'owner', '', ''),
    ('function', 'private', 'ulid_fault(text)', 'owner', '', ''),
    (
      'function', 'private',
      'unbilled_usage(subscriptions, timestamp with time zone, billing_segment[], invoices, '
      'boolean, integer, text[])', 'owner', '', ''
    ),
    ('function', 'private', 'uncovered_accounts()', 'owner', '', ''),
    ('function', 'private', 'uncovered_holds(text[])', 'owner', '', ''),
    ('function', 'private', 'uncovered_items()', 'owner', '', ''),
    (
      'function', 'private', 'undivided_usage(integer, integer, timestamp with time zone)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'unique_usage_added(text, text, text, jsonb, timestamp with time zone, timestamp with '
      'time zone)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'unique_usage_between(integer, text, timestamp with time zone, timestamp with time zone, '
      'text)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'unrivalled_stays(subscriptions, billing_segment[], billing_segment[], rival_time[], '
      'text)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'usage_answers(text, text[], text[], numeric[], timestamp with time zone[], text[], '
      'jsonb[], timestamp with time zone, timestamp with time zone, text, integer[], '
      'integer[])', 'owner', '', ''
    ),
    (
      'function', 'private',
      'usage_between(integer, text, text, timestamp with time zone, timestamp with time zone)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'usage_charges(priced_feature[], billing_segment[], timestamp with time zone, timestamp '
      'with time zone, bigint, boolean, boolean, text, integer)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'usage_fault(text, text, text, numeric, timestamp with time zone, text, jsonb, timestamp '
      'with time zone, timestamp with time zone)', 'owner', '', ''
    ),
    (
      'function', 'private',
      'usage_in_stays(priced_feature[], billing_segment[], timestamp with time zone, timestamp '
      'with time zone)', 'owner', '', ''
    ),
    (
      'function', 'private', 'usage_is_divided(integer, integer, timestamp with time zone)',
      'owner', '', ''
    ),
    ('function', 'private', 'usage_level(integer, text, billing_segment[])', 'owner', '', ''),
    (
      'function', 'private',
      'usage_lines(subscriptions, timestamp with time zone, billing_segment[], invoices, '
      'integer)', 'owner', '', ''
    ),
    ('function', 'private', 'usage_needed_from(text, text)', 'owner', '', ''),
    ('function', 'private', 'usage_part_length(integer)', 'owner', '', ''),
    (
      'function', 'private',
      'usage_pieces(integer, timestamp with time zone, timestamp with time zone, integer)',
      'owner', '', ''
    ),
    ('function', 'private', 'usage_skew(text)', 'owner', '', ''),
    (
      'function', 'private',
      'usage_sums(integer[], timestamp with time zone, timestamp with time zone)', 'owner', '',
      ''
    ),
    (
      'function', 'private',
      'usage_until(priced_feature[], timestamp with time zone, timestamp with time zone)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'usage_was_purged(text, text[], text[], timestamp with time zone[], integer[])', 'owner',
      '', ''
    ),
    ('function', 'private', 'use_coupons(bigint)', 'owner', '', ''),
    ('function', 'private', 'verify_access()', 'owner', '', ''),
    ('function', 'private', 'verify_accounts(text)', 'owner', '', ''),
    ('function', 'private', 'verify_blocks(text)', 'owner', '', ''),
    ('function', 'private', 'verify_books(text)', 'owner', '', ''),
    ('function', 'private', 'verify_changes(text)', 'owner', '', ''),
    ('function', 'private', 'verify_closed_books(text)', 'owner', '', ''),
    ('function', 'private', 'verify_entries(text)', 'owner', '', ''),
    ('function', 'private', 'verify_guards()', 'owner', '', ''),
    ('function', 'private', 'verify_holds(text)', 'owner', '', ''),
    ('function', 'private', 'verify_imported_books(text)', 'owner', '', ''),
    ('function', 'private', 'verify_imports(text)', 'owner', '', ''),
    ('function', 'private', 'verify_keys(text)', 'owner', '', ''),
    ('function', 'private', 'verify_names(text)', 'owner', '', ''),
    ('function', 'private', 'verify_periods(text)', 'owner', '', ''),
    ('function', 'private', 'verify_rest(text)', 'owner', '', ''),
    ('function', 'private', 'verify_reversals(text)', 'owner', '', ''),
    ('function', 'private', 'verify_scales(text)', 'owner', '', ''),
    ('function', 'private', 'verify_sequences()', 'owner', '', ''),
    ('function', 'private', 'verify_slice_entries(slice_start, bigint, bigint)', 'owner', '', ''),
    (
      'function', 'private', 'verify_slice_transfers(slice_start, bigint, bigint)', 'owner', '',
      ''
    ),
    ('function', 'private', 'verify_times(text)', 'owner', '', ''),
    ('function', 'private', 'verify_transfers(text)', 'owner', '', ''),
    (
      'function', 'private',
      'version_at(bigint, bigint, timestamp with time zone, timestamp with time zone)', 'owner',
      '', ''
    ),
    ('function', 'private', 'version_balance(bigint, bigint)', 'owner', '', ''),
    ('function', 'private', 'version_time(bigint, bigint)', 'owner', '', ''),
    ('function', 'private', 'versioned_files()', 'owner', '', ''),
    (
      'function', 'private',
      'warn_of_clock(text, timestamp with time zone, timestamp with time zone)', 'owner', '', ''
    ),
    ('function', 'private', 'whole_period_start(subscriptions)', 'owner', '', ''),
    (
      'function', 'private',
      'with_added_allowance(priced_feature, billing_segment[], bigint, rival_time[])', 'owner',
      '', ''
    ),
    (
      'function', 'private',
      'with_trial_end(subscriptions, timestamp with time zone, timestamp with time zone)',
      'owner', '', ''
    ),
    (
      'function', 'private',
      'write_import(invoices, invoice_lines[], timestamp with time zone, timestamp with time '
      'zone, text, timestamp with time zone)', 'owner', '', ''
    ),
    ('function', 'private', 'write_import_origins()', 'owner', '', ''),
    ('function', 'private', 'write_imported_accounts(text)', 'owner', '', ''),
    ('function', 'private', 'write_imported_transfers(text)', 'owner', '', ''),
    ('function', 'private', 'write_plan_features(bigint, plan_features[])', 'owner', '', ''),
    ('function', 'private', 'write_plan_version(plan_versions, plan_features[])', 'owner', '', ''),
    ('function', 'private', 'write_subscription(subscriptions)', 'owner', '', ''),
    ('function', 'private', 'zone_is_known(text)', 'owner', '', ''),
    (
      'function', 'private', 'zone_of_period(subscriptions, timestamp with time zone)', 'owner',
      '', ''
    ),
    (
      'function', 'surface', 'ledger_advance(text, integer, text, interval)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_aggregate_usage(text, text, text, timestamp with time zone, timestamp with time '
      'zone, text)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_aggregate_usage_by_feature(text, text, text[], timestamp with time zone, '
      'timestamp with time zone)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_archive_coupon(text, text)', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_archive_feature(text, text)', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_archive_plan(text, text)', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_cancel_subscription(text, text, text, boolean, text, timestamp with time zone)',
      'owner', 'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_change_plan(text, text, text, text, text, text, boolean)',
      'owner', 'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_change_time_zone(text, text, text, text)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_check_cached_entitlement(text, text, text, numeric)',
      'owner', 'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_check_entitlement(text, text, text, numeric)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_check_entitlements(text, text, text[], numeric[])', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_consume_entitlement(text, text, text, numeric, text, jsonb)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_correct_usage(text, text, text, timestamp with time zone, numeric, text)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_create_coupon(text, text, text, numeric, numeric, text, text, integer, text[], '
      'numeric, timestamp with time zone, timestamp with time zone, bigint, bigint, jsonb, '
      'text, text)', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_create_feature(text, text, text, text, text, text, text, jsonb, text, text, '
      'numeric, text, boolean)', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_create_invoice(text, text, text, jsonb, jsonb, jsonb, text)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_create_plan(text, text, text, text, jsonb, jsonb, text, integer, boolean, '
      'boolean, jsonb, text, text, integer)', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_create_subscription(text, text, text, timestamp with time zone, timestamp with '
      'time zone, text, integer, numeric, jsonb, text, jsonb)', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_delete_coupon(text, text)', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_delete_feature(text, text)', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_delete_invoice(text, text, text)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_delete_plan(text, text)', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_finalize_invoice(text, text, text, timestamp with time zone)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_generate_invoice(text, text, text, timestamp with time zone, text, jsonb)',
      'owner', 'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_get_active_subscription(text, text)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_get_cached_entitlement(text, text, text, numeric)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_get_coupon(text, text, text)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_get_coupon_by_id(text, text)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_get_feature(text, text)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_get_feature_by_key(text, text, text)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_get_invoice(text, text, text)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_get_invoice_by_period(text, text, text, timestamp with time zone, text)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_get_plan(text, text)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_get_plan_by_slug(text, text, text)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_get_subscription(text, text, text)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_import_invoice(text, text, text, jsonb, jsonb, jsonb, text, text, timestamp with '
      'time zone, text, timestamp with time zone, timestamp with time zone, text)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_ingest_usage(text, text[], text[], numeric[], timestamp with time zone[], '
      'text[], jsonb[])', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_invalidate_entitlement(text, text, text)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_invalidate_feature_entitlements(text, text)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_invalidate_tenant_entitlements(text, text)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_list_app_invoices(text, text, timestamp with time zone, timestamp with time '
      'zone, integer, bigint)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_list_app_pending_invoices(text, integer, bigint)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_list_app_subscriptions(text, text, text, integer, bigint)',
      'owner', 'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_list_coupon_redemptions(text, text, integer, bigint)',
      'owner', 'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_list_coupons(text, boolean, integer, bigint, text)',
      'owner', 'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_list_features(text, text, integer, bigint, text)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_list_global_features(text, integer, bigint)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_list_invoices(text, text, text, integer, bigint, boolean, timestamp with time '
      'zone, timestamp with time zone)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_list_payments(text, text, text)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_list_pending_invoices(text, text, integer, bigint)',
      'owner', 'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_list_plan_versions(text, text, integer, bigint)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_list_plans(text, text, integer, bigint, text)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_list_subscriptions(text, text, text, integer, bigint)',
      'owner', 'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_map_tenant_role(name, text, text)', 'owner', '',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_mark_invoice_paid(text, text, text, timestamp with time zone, text)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_mark_invoice_uncollectible(text, text, text)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_mark_invoice_voided(text, text, text, text)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_pause_subscription(text, text, text)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_preview_invoice(text, text, text, timestamp with time zone, text, jsonb)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_price_usage(jsonb, numeric, numeric, integer, jsonb)',
      'owner', 'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_purge_usage(text, timestamp with time zone, integer)',
      'owner', 'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_query_usage(text, text, timestamp with time zone, timestamp with time zone, '
      'text, integer, bigint)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_record_payment(text, text, text, numeric, timestamp with time zone, text, text)',
      'owner', 'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_record_usage(text, text, text, numeric, timestamp with time zone, text, jsonb)',
      'owner', 'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_redeem_coupon(text, text, text, text, text)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_refresh_invoice(text, text, text)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_remaining_entitlement(text, text, text)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_remove_usage(text, text, text, timestamp with time zone, text)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_resume_subscription(text, text, text)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_set_cached_entitlement(text, text, text, interval)',
      'owner', 'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_set_currency(text, text, integer)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_set_entitlement_ttl(text, interval)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_set_hook(text, text, text)', 'owner', '',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_set_payment_terms(text, integer)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_set_trial_end(text, text, text, timestamp with time zone)',
      'owner', 'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_set_usage_skew(text, interval)', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_unmap_tenant_role(name)', 'owner', '',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_update_coupon(text, text, text, timestamp with time zone, timestamp with time '
      'zone, bigint, bigint, jsonb, text, text[])', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_update_feature(text, text, text, text, text, jsonb, numeric, text, boolean, '
      'text, text[])', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'ledger_update_invoice(text, text, text, jsonb, jsonb)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_update_plan(text, text, text, jsonb, jsonb, text, integer, boolean, jsonb, '
      'timestamp with time zone, text, text[], integer)', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_update_subscription(text, text, text, numeric, jsonb, jsonb, text)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'ledger_usage_by_time(text, text, text, timestamp with time zone, timestamp with time '
      'zone, text, text, text)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_accept_time(text, text, text)', 'owner', '',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_account_entries(text, integer, boolean, bigint, text)',
      'owner', 'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_accounts_ahead(text)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_allocate(numeric, numeric[], integer)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_balance_at(text, timestamp with time zone, text, text)',
      'owner', 'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_balance_at_block(text, bigint, text)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_balance_at_version(text, bigint, text)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_balances(text, integer, timestamp with time zone, text, text, text)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_balances_at(text[], timestamp with time zone, text, text)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_changes(text, integer)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_close_account(text, text, text, text)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_close_period(text, timestamp with time zone, text)',
      'owner', 'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_create_account(text, text, boolean, boolean, jsonb, text, text, text, numeric, '
      'numeric, text)', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_create_hold(text, text, numeric, timestamp with time zone, interval, timestamp '
      'with time zone, jsonb, text, text, text, boolean, text)', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_create_holds_bulk(text[], text[], numeric[], timestamp with time zone[], '
      'timestamp with time zone[], jsonb[], text[], text, text, boolean, text[])', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_create_holds_outcomes(text[], text[], numeric[], timestamp with time zone[], '
      'timestamp with time zone[], jsonb[], text[], text, text, boolean, text[])', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_create_transfer(text, text, numeric, timestamp with time zone, jsonb, text, '
      'text, boolean, bigint, bigint, numrange, numrange, text)', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_create_transfer_by_name(text, text, numeric, text, timestamp with time zone, '
      'jsonb, text, text, text, text, boolean, bigint, bigint, numrange, numrange, text)',
      'owner', 'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_create_transfers(pgledger_transfer_request[])', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_create_transfers_bulk(text[], text[], numeric[], timestamp with time zone[], '
      'jsonb[], text[], text, text, boolean, bigint[], bigint[], numrange[], numrange[], '
      'text[])', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_create_transfers_bulk_by_name(text[], text[], numeric[], text[], timestamp '
      'with time zone[], jsonb[], text[], text[], text[], text, text, boolean, bigint[], '
      'bigint[], numrange[], numrange[], text[])', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_create_transfers_bulk_count(text[], text[], numeric[], timestamp with time '
      'zone[], jsonb[], text[], text, text, boolean, bigint[], bigint[], numrange[], '
      'numrange[], text[])', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_create_transfers_bulk_ids(text[], text[], numeric[], timestamp with time '
      'zone[], jsonb[], text[], text, text, boolean, bigint[], bigint[], numrange[], '
      'numrange[], text[])', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_create_transfers_from_rows(pgledger_transfer_request[], timestamp with time '
      'zone, jsonb, text, text, boolean)', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_create_transfers_outcomes(text[], text[], numeric[], timestamp with time '
      'zone[], jsonb[], text[], text, text, boolean, bigint[], bigint[], numrange[], '
      'numrange[], text[])', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_ensure_account(text, text, boolean, boolean, jsonb, text, text, numeric, '
      'numeric, text)', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_expire_holds(integer, text)', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_extend_hold(text, timestamp with time zone, text, text)',
      'owner', 'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_find_account(text, text, text, text)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_freeze_account(text, text, text, text)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_generate_id(text)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_get_account(text, text)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_get_hold(text, text)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_get_transfer(text, text)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_id_timestamp(text)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_import_begin()', 'owner', '',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_import_faults(text)', 'owner', '',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_import_history(text)', 'owner', '',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_list_accounts(text, integer, text, text, timestamp with time zone, timestamp '
      'with time zone, jsonb, text, text)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_list_subtree(text, integer, text, text, text)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_list_transfers(text, integer, text, text, timestamp with time zone, timestamp '
      'with time zone, timestamp with time zone, timestamp with time zone, jsonb, text, text)',
      'owner', 'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_movements(timestamp with time zone, timestamp with time zone, text, text, '
      'text, text, text)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_post_hold(text, numeric, boolean, timestamp with time zone, jsonb, text, text, '
      'boolean, text)', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_post_holds_bulk(text[], numeric[], boolean[], timestamp with time zone[], '
      'jsonb[], text[], text, boolean, text[])', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_preview_transfers(text[], text[], numeric[], timestamp with time zone[], '
      'jsonb[], text[], text, text, boolean, bigint[], bigint[], numrange[], numrange[], '
      'text[])', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_purge_idempotency_keys(timestamp with time zone, integer, boolean, text)',
      'owner', 'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_raise_sequences()', 'owner', '',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_reopen_account(text, text, text)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_reopen_period(text, timestamp with time zone, text)',
      'owner', '', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_reverse_transfer(text, numeric, timestamp with time zone, jsonb, text, text, '
      'boolean, text)', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_reverse_transfer_over_limits(text, text, numeric, timestamp with time zone, '
      'jsonb, text, text, boolean, text)', 'owner', '',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_reversed_amount(text, text)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_seal()', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_set_clock_warning(interval)', 'owner', '',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_set_currency(text, integer, text)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_set_limits(text, numeric, numeric, text, boolean, text)',
      'owner', 'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_statement(text, timestamp with time zone, timestamp with time zone, text, '
      'text)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_sweep(text, text, numeric, numeric, timestamp with time zone, jsonb, text, '
      'text, boolean, text)', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface',
      'pgledger_trial_balance(timestamp with time zone, text, text, text)', 'owner',
      'reader=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_ulid_to_uuid(text)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_unfreeze_account(text, text, text, text)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_update_account(text, text, jsonb, text, text)', 'owner',
      'poster=EXECUTE', 'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_use_iso_currencies(text)', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_uuid_to_ulid(uuid)', 'owner', 'reader=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_verify(text)', 'owner', 'auditor=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_verify_rest()', 'owner', 'auditor=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_verify_seals(jsonb)', 'owner', 'auditor=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_verify_slice(text, integer)', 'owner', 'auditor=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'function', 'surface', 'pgledger_void_hold(text, text, text)', 'owner', 'poster=EXECUTE',
      'security definer, search_path=pg_catalog, pgledger, pg_temp'
    ),
    (
      'policy', 'coupon_redemptions', 'auditors_read_all', '', 'auditor',
      'as permissive for select to %I using (true)'
    ),
    (
      'policy', 'coupons', 'auditors_read_all', '', 'auditor',
      'as permissive for select to %I using (true)'
    ),
    (
      'policy', 'entitlement_cache', 'auditors_read_all', '', 'auditor',
      'as permissive for select to %I using (true)'
    ),
    (
      'policy', 'entitlement_cache', 'tenants_read_their_own', '', 'tenant_views',
      'as permissive for select to %I using (((app_id, tenant_id) = ( SELECT mapped.app_id, '
      'mapped.tenant_id FROM pgledger.tenant_roles mapped WHERE (mapped.role_name = '
      'CURRENT_USER))))'
    ),
    (
      'policy', 'feature_invalidations', 'auditors_read_all', '', 'auditor',
      'as permissive for select to %I using (true)'
    ),
    (
      'policy', 'features', 'auditors_read_all', '', 'auditor',
      'as permissive for select to %I using (true)'
    ),
    (
      'policy', 'features', 'tenants_read_their_own', '', 'tenant_views',
      'as permissive for select to %I using (((app_id = ANY (ARRAY[( SELECT ''*''::text AS '
      'app_id FROM pgledger.tenant_roles mapped WHERE (mapped.role_name = CURRENT_USER)), ( '
      'SELECT mapped.app_id FROM pgledger.tenant_roles mapped WHERE (mapped.role_name = '
      'CURRENT_USER))])) AND (tenant_id = ANY (ARRAY[''''::text, ( SELECT mapped.tenant_id '
      'FROM pgledger.tenant_roles mapped WHERE (mapped.role_name = CURRENT_USER))]))))'
    ),
    (
      'policy', 'invoice_credits', 'auditors_read_all', '', 'auditor',
      'as permissive for select to %I using (true)'
    ),
    (
      'policy', 'invoice_credits', 'tenants_read_their_own', '', 'tenant_views',
      'as permissive for select to %I using ((EXISTS ( SELECT FROM (pgledger.invoices JOIN '
      'pgledger.tenant_roles mapped ON (((invoices.app_id = mapped.app_id) AND '
      '(invoices.tenant_id = mapped.tenant_id)))) WHERE ((invoices.key = '
      'invoice_credits.from_invoice_key) AND (mapped.role_name = CURRENT_USER)))))'
    ),
    (
      'policy', 'invoice_lines', 'auditors_read_all', '', 'auditor',
      'as permissive for select to %I using (true)'
    ),
    (
      'policy', 'invoice_lines', 'tenants_read_their_own', '', 'tenant_views',
      'as permissive for select to %I using ((EXISTS ( SELECT FROM (pgledger.invoices JOIN '
      'pgledger.tenant_roles mapped ON (((invoices.app_id = mapped.app_id) AND '
      '(invoices.tenant_id = mapped.tenant_id)))) WHERE ((invoices.key = '
      'invoice_lines.invoice_key) AND (mapped.role_name = CURRENT_USER)))))'
    ),
    (
      'policy', 'invoice_payments', 'auditors_read_all', '', 'auditor',
      'as permissive for select to %I using (true)'
    ),
    (
      'policy', 'invoice_payments', 'tenants_read_their_own', '', 'tenant_views',
      'as permissive for select to %I using (((app_id, tenant_id) = ( SELECT mapped.app_id, '
      'mapped.tenant_id FROM pgledger.tenant_roles mapped WHERE (mapped.role_name = '
      'CURRENT_USER))))'
    ),
    (
      'policy', 'invoices', 'auditors_read_all', '', 'auditor',
      'as permissive for select to %I using (true)'
    ),
    (
      'policy', 'invoices', 'tenants_read_their_own', '', 'tenant_views',
      'as permissive for select to %I using (((app_id, tenant_id) = ( SELECT mapped.app_id, '
      'mapped.tenant_id FROM pgledger.tenant_roles mapped WHERE (mapped.role_name = '
      'CURRENT_USER))))'
    ),
    (
      'policy', 'meters', 'auditors_read_all', '', 'auditor',
      'as permissive for select to %I using (true)'
    ),
    (
      'policy', 'meters', 'tenants_read_their_own', '', 'tenant_views',
      'as permissive for select to %I using (((app_id, tenant_id) = ( SELECT mapped.app_id, '
      'mapped.tenant_id FROM pgledger.tenant_roles mapped WHERE (mapped.role_name = '
      'CURRENT_USER))))'
    ),
    (
      'policy', 'plans', 'auditors_read_all', '', 'auditor',
      'as permissive for select to %I using (true)'
    ),
    (
      'policy', 'plans', 'tenants_read_their_own', '', 'tenant_views',
      'as permissive for select to %I using (((app_id = ( SELECT mapped.app_id FROM '
      'pgledger.tenant_roles mapped WHERE (mapped.role_name = CURRENT_USER))) AND (tenant_id = '
      'ANY (ARRAY[''''::text, ( SELECT mapped.tenant_id FROM pgledger.tenant_roles mapped '
      'WHERE (mapped.role_name = CURRENT_USER))]))))'
    ),
    (
      'policy', 'subscription_changes', 'auditors_read_all', '', 'auditor',
      'as permissive for select to %I using (true)'
    ),
    (
      'policy', 'subscription_changes', 'tenants_read_their_own', '', 'tenant_views',
      'as permissive for select to %I using (((app_id, tenant_id) = ( SELECT mapped.app_id, '
      'mapped.tenant_id FROM pgledger.tenant_roles mapped WHERE (mapped.role_name = '
      'CURRENT_USER))))'
    ),
    (
      'policy', 'subscriptions', 'auditors_read_all', '', 'auditor',
      'as permissive for select to %I using (true)'
    ),
    (
      'policy', 'subscriptions', 'tenants_read_their_own', '', 'tenant_views',
      'as permissive for select to %I using (((app_id, tenant_id) = ( SELECT mapped.app_id, '
      'mapped.tenant_id FROM pgledger.tenant_roles mapped WHERE (mapped.role_name = '
      'CURRENT_USER))))'
    ),
    (
      'policy', 'tenant_roles', 'auditors_read_all', '', 'auditor',
      'as permissive for select to %I using (true)'
    ),
    (
      'policy', 'tenant_roles', 'tenants_read_their_own', '', 'tenant_views',
      'as permissive for select to %I using ((role_name = CURRENT_USER))'
    ),
    (
      'policy', 'tenants', 'auditors_read_all', '', 'auditor',
      'as permissive for select to %I using (true)'
    ),
    (
      'policy', 'tenants', 'tenants_read_their_own', '', 'tenant_views',
      'as permissive for select to %I using (((app_id, tenant_id) = ( SELECT mapped.app_id, '
      'mapped.tenant_id FROM pgledger.tenant_roles mapped WHERE (mapped.role_name = '
      'CURRENT_USER))))'
    ),
    (
      'policy', 'usage_events', 'auditors_read_all', '', 'auditor',
      'as permissive for select to %I using (true)'
    ),
    (
      'policy', 'usage_events', 'tenants_read_their_own', '', 'tenant_views',
      'as permissive for select to %I using ((tenant_key = ( SELECT own.key FROM '
      '(pgledger.tenants own JOIN pgledger.tenant_roles mapped ON (((own.app_id = '
      'mapped.app_id) AND (own.tenant_id = mapped.tenant_id)))) WHERE (mapped.role_name = '
      'CURRENT_USER))))'
    ),
    ('schema', 'private', 'pgledger', 'owner', 'auditor=USAGE', ''),
    ('sequence', 'private', 'accounts_key_seq', 'owner', '', ''),
    ('sequence', 'private', 'coupon_redemptions_key_seq', 'owner', '', ''),
    ('sequence', 'private', 'coupons_key_seq', 'owner', '', ''),
    ('sequence', 'private', 'import_accounts_number_seq', 'owner', '', ''),
    ('sequence', 'private', 'import_entries_number_seq', 'owner', '', ''),
    ('sequence', 'private', 'import_transfers_number_seq', 'owner', '', ''),
    ('sequence', 'private', 'invoice_payments_key_seq', 'owner', '', ''),
    ('sequence', 'private', 'invoices_key_seq', 'owner', '', ''),
    ('sequence', 'private', 'meters_key_seq', 'owner', '', ''),
    ('sequence', 'private', 'noted_changes_number_seq', 'owner', '', ''),
    ('sequence', 'private', 'plans_key_seq', 'owner', '', ''),
    ('sequence', 'private', 'subscriptions_key_seq', 'owner', '', ''),
    ('sequence', 'private', 'tenants_key_seq', 'owner', '', ''),
    ('sequence', 'private', 'usage_calls_seq', 'owner', '', ''),
    ('table', 'private', 'accepted_times', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'account_changes', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'account_names', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'accounts', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'advance_runs', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'apps', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'block_accounts', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'block_holds', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'blocks', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'clock_settings', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'closed_periods', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'coupon_applications', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'coupon_redemptions', 'owner', 'auditor=SELECT', 'row security'),
    ('table', 'private', 'coupons', 'owner', 'auditor=SELECT', 'row security'),
    ('table', 'private', 'covered_accounts', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'currencies', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'earlier_names', 'owner', 'auditor=SELECT', ''),
    (
      'table', 'private', 'entitlement_cache', 'owner', 'auditor=SELECT tenant_views=SELECT',
      'row security'
    ),
    ('table', 'private', 'feature_invalidations', 'owner', 'auditor=SELECT', 'row security'),
    (
      'table', 'private', 'features', 'owner', 'auditor=SELECT tenant_views=SELECT',
      'row security'
    ),
    ('table', 'private', 'holds', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'idempotency_keys', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'import_accounts', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'import_entries', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'import_legs', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'import_times', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'import_transfers', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'imported_entries', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'imported_times', 'owner', 'auditor=SELECT', ''),
    (
      'table', 'private', 'invoice_credits', 'owner', 'auditor=SELECT tenant_views=SELECT',
      'row security'
    ),
    (
      'table', 'private', 'invoice_lines', 'owner', 'auditor=SELECT tenant_views=SELECT',
      'row security'
    ),
    (
      'table', 'private', 'invoice_payments', 'owner', 'auditor=SELECT tenant_views=SELECT',
      'row security'
    ),
    (
      'table', 'private', 'invoices', 'owner', 'auditor=SELECT tenant_views=SELECT',
      'row security'
    ),
    ('table', 'private', 'meters', 'owner', 'auditor=SELECT tenant_views=SELECT', 'row security'),
    ('table', 'private', 'noted_changes', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'period_changes', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'plan_features', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'plan_versions', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'plans', 'owner', 'auditor=SELECT tenant_views=SELECT', 'row security'),
    ('table', 'private', 'reversals_over_limits', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'schema_history', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'seals', 'owner', 'auditor=SELECT', ''),
    (
      'table', 'private', 'subscription_changes', 'owner', 'auditor=SELECT tenant_views=SELECT',
      'row security'
    ),
    (
      'table', 'private', 'subscriptions', 'owner', 'auditor=SELECT tenant_views=SELECT',
      'row security'
    ),
    (
      'table', 'private', 'tenant_roles', 'owner', 'auditor=SELECT tenant_views=SELECT',
      'row security'
    ),
    ('table', 'private', 'tenants', 'owner', 'auditor=SELECT tenant_views=SELECT', 'row security'),
    ('table', 'private', 'transfers', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'usage_corrections', 'owner', 'auditor=SELECT', ''),
    (
      'table', 'private', 'usage_events', 'owner', 'auditor=SELECT tenant_views=SELECT',
      'row security'
    ),
    ('table', 'private', 'usage_rollups', 'owner', 'auditor=SELECT', ''),
    ('table', 'private', 'usage_values', 'owner', 'auditor=SELECT', ''),
    (
      'trigger', 'accepted_times', 'accepted_times_never_change', '', '',
      'CREATE TRIGGER accepted_times_never_change BEFORE DELETE OR UPDATE OR TRUNCATE ON '
      'pgledger.accepted_times FOR EACH STATEMENT EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'accepted_times', 'accepted_times_rows_never_change', '', '',
      'CREATE TRIGGER accepted_times_rows_never_change BEFORE DELETE OR UPDATE ON '
      'pgledger.accepted_times FOR EACH ROW EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'account_changes', 'account_changes_never_change', '', '',
      'CREATE TRIGGER account_changes_never_change BEFORE DELETE OR UPDATE OR TRUNCATE ON '
      'pgledger.account_changes FOR EACH STATEMENT EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'account_changes', 'account_changes_rows_never_change', '', '',
      'CREATE TRIGGER account_changes_rows_never_change BEFORE DELETE OR UPDATE ON '
      'pgledger.account_changes FOR EACH ROW EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'accounts', 'accounts_are_never_deleted', '', '',
      'CREATE TRIGGER accounts_are_never_deleted BEFORE DELETE OR TRUNCATE ON '
      'pgledger.accounts FOR EACH STATEMENT EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'accounts', 'accounts_rows_are_never_deleted', '', '',
      'CREATE TRIGGER accounts_rows_are_never_deleted BEFORE DELETE ON pgledger.accounts FOR '
      'EACH ROW EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'block_accounts', 'block_accounts_never_change', '', '',
      'CREATE TRIGGER block_accounts_never_change BEFORE DELETE OR UPDATE OR TRUNCATE ON '
      'pgledger.block_accounts FOR EACH STATEMENT EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'block_accounts', 'block_accounts_rows_never_change', '', '',
      'CREATE TRIGGER block_accounts_rows_never_change BEFORE DELETE OR UPDATE ON '
      'pgledger.block_accounts FOR EACH ROW EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'block_holds', 'block_holds_never_change', '', '',
      'CREATE TRIGGER block_holds_never_change BEFORE DELETE OR UPDATE OR TRUNCATE ON '
      'pgledger.block_holds FOR EACH STATEMENT EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'block_holds', 'block_holds_rows_never_change', '', '',
      'CREATE TRIGGER block_holds_rows_never_change BEFORE DELETE OR UPDATE ON '
      'pgledger.block_holds FOR EACH ROW EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'blocks', 'blocks_never_change', '', '',
      'CREATE TRIGGER blocks_never_change BEFORE DELETE OR UPDATE OR TRUNCATE ON '
      'pgledger.blocks FOR EACH STATEMENT EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'blocks', 'blocks_rows_never_change', '', '',
      'CREATE TRIGGER blocks_rows_never_change BEFORE DELETE OR UPDATE ON pgledger.blocks FOR '
      'EACH ROW EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'holds', 'holds_are_never_deleted', '', '',
      'CREATE TRIGGER holds_are_never_deleted BEFORE DELETE OR TRUNCATE ON pgledger.holds FOR '
      'EACH STATEMENT EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'holds', 'holds_keep_what_was_asked', '', '',
      'CREATE TRIGGER holds_keep_what_was_asked BEFORE UPDATE OF id, from_key, to_key, '
      'from_is_first, app_id, amount, created_at, event_at, first_expires_at, group_id, '
      'metadata ON pgledger.holds FOR EACH ROW EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'holds', 'holds_only_end', '', '',
      'CREATE TRIGGER holds_only_end BEFORE UPDATE ON pgledger.holds FOR EACH ROW WHEN '
      '(((old.ended_at IS NOT NULL) OR (old.posted_amount > new.posted_amount))) EXECUTE '
      'FUNCTION pgledger.keep_ended_hold()'
    ),
    (
      'trigger', 'holds', 'holds_rows_are_never_deleted', '', '',
      'CREATE TRIGGER holds_rows_are_never_deleted BEFORE DELETE ON pgledger.holds FOR EACH '
      'ROW EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'idempotency_keys', 'idempotency_keys_never_change', '', '',
      'CREATE TRIGGER idempotency_keys_never_change BEFORE UPDATE OR TRUNCATE ON '
      'pgledger.idempotency_keys FOR EACH STATEMENT EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'idempotency_keys', 'idempotency_keys_rows_never_change', '', '',
      'CREATE TRIGGER idempotency_keys_rows_never_change BEFORE UPDATE ON '
      'pgledger.idempotency_keys FOR EACH ROW EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'imported_entries', 'imported_entries_never_change', '', '',
      'CREATE TRIGGER imported_entries_never_change BEFORE DELETE OR UPDATE OR TRUNCATE ON '
      'pgledger.imported_entries FOR EACH STATEMENT EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'imported_entries', 'imported_entries_rows_never_change', '', '',
      'CREATE TRIGGER imported_entries_rows_never_change BEFORE DELETE OR UPDATE ON '
      'pgledger.imported_entries FOR EACH ROW EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'imported_times', 'imported_times_never_change', '', '',
      'CREATE TRIGGER imported_times_never_change BEFORE DELETE OR UPDATE OR TRUNCATE ON '
      'pgledger.imported_times FOR EACH STATEMENT EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'imported_times', 'imported_times_rows_never_change', '', '',
      'CREATE TRIGGER imported_times_rows_never_change BEFORE DELETE OR UPDATE ON '
      'pgledger.imported_times FOR EACH ROW EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'noted_changes', 'noted_changes_are_never_deleted', '', '',
      'CREATE TRIGGER noted_changes_are_never_deleted BEFORE DELETE OR TRUNCATE ON '
      'pgledger.noted_changes FOR EACH STATEMENT EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'noted_changes', 'noted_changes_keep_what_changed', '', '',
      'CREATE TRIGGER noted_changes_keep_what_changed BEFORE UPDATE OF number, version, '
      'changed_at, entity, change, entity_id, app_id, tenant_id, details ON '
      'pgledger.noted_changes FOR EACH ROW EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'noted_changes', 'noted_changes_rows_are_never_deleted', '', '',
      'CREATE TRIGGER noted_changes_rows_are_never_deleted BEFORE DELETE ON '
      'pgledger.noted_changes FOR EACH ROW EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'period_changes', 'period_changes_never_change', '', '',
      'CREATE TRIGGER period_changes_never_change BEFORE DELETE OR UPDATE OR TRUNCATE ON '
      'pgledger.period_changes FOR EACH STATEMENT EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'period_changes', 'period_changes_rows_never_change', '', '',
      'CREATE TRIGGER period_changes_rows_never_change BEFORE DELETE OR UPDATE ON '
      'pgledger.period_changes FOR EACH ROW EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'reversals_over_limits', 'reversals_over_limits_never_change', '', '',
      'CREATE TRIGGER reversals_over_limits_never_change BEFORE DELETE OR UPDATE OR TRUNCATE '
      'ON pgledger.reversals_over_limits FOR EACH STATEMENT EXECUTE FUNCTION '
      'pgledger.refuse_change()'
    ),
    (
      'trigger', 'reversals_over_limits', 'reversals_over_limits_rows_never_change', '', '',
      'CREATE TRIGGER reversals_over_limits_rows_never_change BEFORE DELETE OR UPDATE ON '
      'pgledger.reversals_over_limits FOR EACH ROW EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'seals', 'seals_never_change', '', '',
      'CREATE TRIGGER seals_never_change BEFORE DELETE OR UPDATE OR TRUNCATE ON pgledger.seals '
      'FOR EACH STATEMENT EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'seals', 'seals_rows_never_change', '', '',
      'CREATE TRIGGER seals_rows_never_change BEFORE DELETE OR UPDATE ON pgledger.seals FOR '
      'EACH ROW EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'transfers', 'transfers_never_change', '', '',
      'CREATE TRIGGER transfers_never_change BEFORE DELETE OR UPDATE OR TRUNCATE ON '
      'pgledger.transfers FOR EACH STATEMENT EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    (
      'trigger', 'transfers', 'transfers_rows_never_change', '', '',
      'CREATE TRIGGER transfers_rows_never_change BEFORE DELETE OR UPDATE ON '
      'pgledger.transfers FOR EACH ROW EXECUTE FUNCTION pgledger.refuse_change()'
    ),
    ('type', 'private', 'base_charge', 'owner', '', ''),
    ('type', 'private', 'billed_charge', 'owner', '', ''),
    ('type', 'private', 'billing_segment', 'owner', '', ''),
    ('type', 'private', 'invoice_occasion', 'owner', '', ''),
    ('type', 'private', 'price_line', 'owner', '', ''),
    ('type', 'private', 'priced_feature', 'owner', '', ''),
    ('type', 'private', 'rival_time', 'owner', '', ''),
    ('type', 'private', 'slice_start', 'owner', '', ''),
    ('type', 'private', 'usage_charge', 'owner', '', ''),
    ('type', 'surface', 'ledger_consumption', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'ledger_coupon', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'ledger_coupon_redemption', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'ledger_currency', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'ledger_entitlement', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'ledger_feature', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'ledger_feature_usage', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'ledger_invoice', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'ledger_invoice_preview', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'ledger_payment', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'ledger_plan', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'ledger_plan_version', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'ledger_price_line', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'ledger_subscription', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'ledger_subscription_move', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'ledger_usage_answer', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'ledger_usage_event', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'ledger_usage_part', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'ledger_usage_receipt', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'pgledger_account', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'pgledger_account_ahead', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'pgledger_account_balance', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'pgledger_change', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'pgledger_check', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'pgledger_currency_scale', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'pgledger_entry', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'pgledger_hold', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'pgledger_hold_outcome', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'pgledger_import_fault', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'pgledger_import_result', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'pgledger_movement', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'pgledger_path_balance', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'pgledger_period', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'pgledger_seal', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'pgledger_slice_check', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'pgledger_statement_line', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'pgledger_transfer', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'pgledger_transfer_outcome', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'pgledger_transfer_request', 'owner', 'reader=USAGE', ''),
    ('type', 'surface', 'pgledger_trial_balance_line', 'owner', 'reader=USAGE', ''),
    ('view', 'surface', 'ledger_coupon_redemptions', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'ledger_coupons', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'ledger_currencies', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'ledger_entitlement_cache', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'ledger_features', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'ledger_invoice_payments', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'ledger_invoices', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'ledger_plans', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'ledger_subscription_changes', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'ledger_subscriptions', 'owner', 'reader=SELECT', ''),
    (
      'view', 'surface', 'ledger_tenant_entitlement_cache', 'tenant_views', 'tenant=SELECT',
      'security_barrier=true'
    ),
    (
      'view', 'surface', 'ledger_tenant_features', 'tenant_views', 'tenant=SELECT',
      'security_barrier=true'
    ),
    (
      'view', 'surface', 'ledger_tenant_invoice_payments', 'tenant_views', 'tenant=SELECT',
      'security_barrier=true'
    ),
    (
      'view', 'surface', 'ledger_tenant_invoices', 'tenant_views', 'tenant=SELECT',
      'security_barrier=true'
    ),
    (
      'view', 'surface', 'ledger_tenant_plans', 'tenant_views', 'tenant=SELECT',
      'security_barrier=true'
    ),
    (
      'view', 'surface', 'ledger_tenant_subscription_changes', 'tenant_views', 'tenant=SELECT',
      'security_barrier=true'
    ),
    (
      'view', 'surface', 'ledger_tenant_subscriptions', 'tenant_views', 'tenant=SELECT',
      'security_barrier=true'
    ),
    (
      'view', 'surface', 'ledger_tenant_usage_events', 'tenant_views', 'tenant=SELECT',
      'security_barrier=true'
    ),
    ('view', 'surface', 'ledger_usage_corrections', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'ledger_usage_events', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'pgledger_account_changes_v1', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'pgledger_account_changes_view', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'pgledger_accounts_ahead_v1', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'pgledger_accounts_ahead_view', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'pgledger_accounts_v1', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'pgledger_accounts_view', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'pgledger_currencies_v1', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'pgledger_currencies_view', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'pgledger_entries_v1', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'pgledger_entries_view', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'pgledger_errors_v1', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'pgledger_holds_v1', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'pgledger_holds_view', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'pgledger_imported_entries_v1', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'pgledger_imported_times_v1', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'pgledger_periods_v1', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'pgledger_periods_view', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'pgledger_transfers_v1', 'owner', 'reader=SELECT', ''),
    ('view', 'surface', 'pgledger_transfers_view', 'owner', 'reader=SELECT', '')
$$;

comment on function pgledger.expected_guards is
  'How everything of ours is to stand: owners, privileges, triggers, row security, settings.';

revoke all on function pgledger.expected_guards from public;
