/**
 * What a statement from outside may call. A list of what is allowed, never of what is forbidden: a
 * later DuckDB brings functions that nobody here has judged.
 *
 * Left off on purpose, although they only compute: what makes a huge value of a small one in a single
 * call, which no interrupt ends and no memory limit holds (`repeat`, `lpad`, `rpad`, scalar `range` and
 * `generate_series`, `printf`, `format`, `list_resize`, `bitstring`, `levenshtein` and its like), what
 * sleeps, what raises errors, and what tells about the server (`current_setting`, `getvariable`).
 *
 * @module
 */

const words = (...lines: string[]) => lines.flatMap((line) => line.split(" "));

/** Functions of values, of one row. */
const SCALAR = words(
  // operators, and what syntax becomes
  "! !~~ % & && * ** + - ->> / // << <=> <@ >> @ @> ^ ^@ | || ~ ~~ __postfix",
  "constant_or_null nullif coalesce",
  "add subtract multiply divide mod fmod fdiv power pow xor even negate",
  // numbers
  "abs acos acosh asin asinh atan atan2 atanh cbrt ceil ceiling cos cosh cot degrees exp factorial",
  "floor gamma gcd greatest greatest_common_divisor isfinite isinf isnan lcm least",
  "least_common_multiple lgamma ln log log10 log2 nextafter pi radians random round round_even",
  "roundbankers sign signbit sin sinh sqrt tan tanh trunc bit_count bar equi_width_bins",
  "format_bytes formatreadablesize formatreadabledecimalsize hash hex bin to_base to_hex to_binary",
  // text
  "ascii char_length character_length chr concat concat_ws contains ends_with instr lcase left",
  "left_grapheme length length_grapheme lower ltrim md5 nfc_normalize octet_length bit_length ord",
  "position prefix regexp_escape regexp_extract regexp_extract_all regexp_full_match regexp_matches",
  "regexp_replace regexp_split_to_array replace reverse right right_grapheme rtrim sha1 sha256 split",
  "split_part starts_with str_split str_split_regex string_split string_split_regex string_to_array",
  "strip_accents strlen strpos substr substring substring_grapheme suffix translate trim ucase unicode",
  "upper url_decode url_encode encode decode base64 to_base64 from_base64 unhex from_hex unbin",
  "from_binary parse_filename parse_dirname uuid gen_random_uuid uuidv4 uuidv7",
  // time
  "age ago century current_date current_localtime current_localtimestamp date_add date_diff date_part",
  "date_sub date_trunc datediff datepart datesub datetrunc day dayname dayofmonth dayofweek dayofyear",
  "days_in_month decade epoch epoch_ms epoch_ns epoch_us era get_current_time get_current_timestamp",
  "hour isodow isoyear julian last_day make_date make_time make_timestamp make_timestamp_ms",
  "make_timestamp_ns make_timestamptz microsecond millennium millisecond minute month monthname",
  "nanosecond normalized_interval now quarter second strftime strptime time_bucket timezone",
  "timezone_hour timezone_minute to_centuries to_days to_decades to_hours to_microseconds",
  "to_millennia to_milliseconds to_minutes to_months to_quarters to_seconds to_timestamp to_weeks",
  "to_years today transaction_timestamp try_strptime week weekday weekofyear year yearweek",
  // lists, structs, maps
  "apply array_aggr array_aggregate array_append array_apply array_cat array_concat array_contains",
  "array_distinct array_extract array_filter array_grade_up array_has array_has_all array_has_any",
  "array_indexof array_intersect array_length array_pop_back array_pop_front array_position",
  "array_prepend array_push_back array_push_front array_reduce array_reverse array_reverse_sort",
  "array_select array_slice array_sort array_to_string array_transform array_unique array_value",
  "array_where array_zip cardinality element_at filter flatten grade_up len list_aggr list_aggregate",
  "list_any_value list_append list_apply list_approx_count_distinct list_avg list_bool_and",
  "list_bool_or list_cat list_concat list_contains list_count list_distance list_distinct",
  "list_dot_product list_element list_entropy list_extract list_filter list_first list_grade_up",
  "list_has list_has_all list_has_any list_histogram list_indexof list_inner_product list_intersect",
  "list_kurtosis list_last list_mad list_max list_median list_min list_mode list_pack list_position",
  "list_prepend list_product list_reduce list_reverse list_reverse_sort list_select list_sem",
  "list_skewness list_slice list_sort list_stddev_pop list_stddev_samp list_string_agg list_sum",
  "list_transform list_unique list_value list_var_pop list_var_samp list_where list_zip map map_concat",
  "map_contains map_contains_entry map_contains_value map_entries map_extract map_extract_value",
  "map_from_entries map_keys map_values reduce row struct_concat struct_extract struct_extract_at",
  "struct_insert struct_keys struct_pack struct_values unnest",
  // JSON in a text field
  "json json_array json_array_length json_contains json_exists json_extract json_extract_path",
  "json_extract_path_text json_extract_string json_keys json_object json_quote json_type json_valid",
  "json_value to_json",
  // about values and the session, nothing about the server
  "typeof pg_typeof version current_schema current_user session_user user grouping grouping_id",
);

/** Functions of many rows; each is also a window function. */
const AGGREGATE = words(
  "any_value approx_count_distinct approx_quantile arbitrary arg_max arg_max_null",
  "arg_max_nulls_last arg_min arg_min_null arg_min_nulls_last argmax argmin array_agg avg bit_and",
  "bit_or bit_xor bool_and bool_or corr count count_if count_star countif covar_pop covar_samp entropy",
  "favg first fsum geomean geometric_mean group_concat histogram json_group_array json_group_object",
  "kahan_sum kurtosis kurtosis_pop last list listagg mad max max_by mean median min min_by mode product",
  "quantile quantile_cont quantile_disc regr_avgx regr_avgy regr_count regr_intercept regr_r2",
  "regr_slope regr_sxx regr_sxy regr_syy reservoir_quantile sem skewness stddev stddev_pop stddev_samp",
  "string_agg sum sumkahan var_pop var_samp variance wavg weighted_avg",
);

/** Functions that need `OVER`. */
const WINDOW = words(
  "row_number rank rank_dense dense_rank percent_rank cume_dist ntile lag lead first_value last_value",
  "nth_value fill",
);

/** What stands in expressions. */
export const FUNCTIONS: ReadonlySet<string> = new Set([...SCALAR, ...AGGREGATE]);

/** What stands before `OVER`. */
export const WINDOW_FUNCTIONS: ReadonlySet<string> = new Set([...AGGREGATE, ...WINDOW]);

/** What stands after FROM. These make rows one after the other, so an interrupt ends them. */
export const TABLE_FUNCTIONS: ReadonlySet<string> = new Set([
  "range",
  "generate_series",
  "unnest",
  "json_each",
]);

/** Why a function that people look for is not there, and what is. */
export const INSTEAD: ReadonlyMap<string, string> = new Map([
  ["repeat", "it can make values of any size"],
  ["lpad", "it can make values of any size"],
  ["rpad", "it can make values of any size"],
  ["printf", "it can make values of any size; use || and strftime"],
  ["format", "it can make values of any size; use || and strftime"],
  ["~~~", "GLOB can take for ever; use regexp_matches"],
  ["range", "as a value it can have any size; use it after FROM"],
  ["generate_series", "as a value it can have any size; use it after FROM"],
]);
