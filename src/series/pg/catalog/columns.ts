/**
 * The columns of PostgreSQL's catalog, in its order, as version 15 has them. A letter behind a name is the
 * type: `i` integer (an OID is one too), `l` bigint, `r` real, `b` boolean, `t` text (names and flags too),
 * `z` timestamptz, `v` interval, `I` and `T` lists of integers and texts.
 *
 * @module
 */

/** Of the schema pg_catalog; a name without a letter is an integer. */
export const PG_CATALOG: Readonly<Record<string, string>> = {
  pg_aggregate: `aggfnoid:t aggkind:t aggnumdirectargs aggtransfn:t aggfinalfn:t aggcombinefn:t
    aggserialfn:t aggdeserialfn:t aggmtransfn:t aggminvtransfn:t aggmfinalfn:t
    aggfinalextra:b aggmfinalextra:b aggfinalmodify:t aggmfinalmodify:t aggsortop
    aggtranstype aggtransspace aggmtranstype aggmtransspace agginitval:t aggminitval:t`,
  pg_am: "oid amname:t amhandler:t amtype:t",
  pg_attrdef: "oid adrelid adnum adbin:t",
  pg_attribute:
    `attrelid attname:t atttypid attstattarget attlen attnum attndims attcacheoff atttypmod
    attbyval:b attalign:t attstorage:t attcompression:t attnotnull:b atthasdef:b
    atthasmissing:b attidentity:t attgenerated:t attisdropped:b attislocal:b attinhcount
    attcollation attacl:T attoptions:T attfdwoptions:T attmissingval:T`,
  pg_auth_members: "roleid member grantor admin_option:b",
  pg_cast: "oid castsource casttarget castfunc castcontext:t castmethod:t",
  pg_class: `oid relname:t relnamespace reltype reloftype relowner relam relfilenode reltablespace
    relpages reltuples:r relallvisible reltoastrelid relhasindex:b relisshared:b
    relpersistence:t relkind:t relnatts relchecks relhasrules:b relhastriggers:b
    relhassubclass:b relrowsecurity:b relforcerowsecurity:b relispopulated:b relreplident:t
    relispartition:b relrewrite relfrozenxid:t relminmxid:t relacl:T reloptions:T
    relpartbound:t`,
  pg_collation:
    `oid collname:t collnamespace collowner collprovider:t collisdeterministic:b collencoding
    collcollate:t collctype:t colliculocale:t collversion:t`,
  pg_constraint: `oid conname:t connamespace contype:t condeferrable:b condeferred:b convalidated:b
    conrelid contypid conindid conparentid confrelid confupdtype:t confdeltype:t
    confmatchtype:t conislocal:b coninhcount connoinherit:b conkey:I confkey:I conpfeqop:I
    conppeqop:I conffeqop:I confdelsetcols:I conexclop:I conbin:t`,
  pg_database: `oid datname:t datdba encoding datlocprovider:t datistemplate:b datallowconn:b
    datconnlimit datfrozenxid:t datminmxid:t dattablespace datcollate:t datctype:t
    daticulocale:t datcollversion:t datacl:T`,
  pg_db_role_setting: "setdatabase setrole setconfig:T",
  pg_depend: "classid objid objsubid refclassid refobjid refobjsubid deptype:t",
  pg_description: "objoid classoid objsubid description:t",
  pg_enum: "oid enumtypid enumsortorder:r enumlabel:t",
  pg_event_trigger: "oid evtname:t evtevent:t evtowner evtfoid evtenabled:t evttags:T",
  pg_extension: `oid extname:t extowner extnamespace extrelocatable:b extversion:t extconfig:I
    extcondition:T`,
  pg_foreign_data_wrapper: "oid fdwname:t fdwowner fdwhandler fdwvalidator fdwacl:T fdwoptions:T",
  pg_foreign_server: "oid srvname:t srvowner srvfdw srvtype:t srvversion:t srvacl:T srvoptions:T",
  pg_foreign_table: "ftrelid ftserver ftoptions:T",
  pg_index: `indexrelid indrelid indnatts indnkeyatts indisunique:b indnullsnotdistinct:b
    indisprimary:b indisexclusion:b indimmediate:b indisclustered:b indisvalid:b
    indcheckxmin:b indisready:b indislive:b indisreplident:b indkey:I indcollation:I
    indclass:I indoption:I indexprs:t indpred:t`,
  pg_indexes: "schemaname:t tablename:t indexname:t tablespace:t indexdef:t",
  pg_inherits: "inhrelid inhparent inhseqno inhdetachpending:b",
  pg_language: `oid lanname:t lanowner lanispl:b lanpltrusted:b lanplcallfoid laninline lanvalidator
    lanacl:T`,
  pg_locks: `locktype:t database relation page tuple virtualxid:t transactionid:t classid objid
    objsubid virtualtransaction:t pid mode:t granted:b fastpath:b waitstart:z`,
  pg_matviews: `schemaname:t matviewname:t matviewowner:t tablespace:t hasindexes:b ispopulated:b
    definition:t`,
  pg_namespace: "oid nspname:t nspowner nspacl:T",
  pg_opclass: `oid opcmethod opcname:t opcnamespace opcowner opcfamily opcintype opcdefault:b
    opckeytype`,
  pg_operator: `oid oprname:t oprnamespace oprowner oprkind:t oprcanmerge:b oprcanhash:b oprleft
    oprright oprresult oprcom oprnegate oprcode:t oprrest:t oprjoin:t`,
  pg_opfamily: "oid opfmethod opfname:t opfnamespace opfowner",
  pg_partitioned_table:
    `partrelid partstrat:t partnatts partdefid partattrs:I partclass:I partcollation:I
    partexprs:t`,
  pg_policy: "oid polname:t polrelid polcmd:t polpermissive:b polroles:I polqual:t polwithcheck:t",
  pg_proc: `oid proname:t pronamespace proowner prolang procost:r prorows:r provariadic prosupport:t
    prokind:t prosecdef:b proleakproof:b proisstrict:b proretset:b provolatile:t
    proparallel:t pronargs pronargdefaults prorettype proargtypes:I proallargtypes:I
    proargmodes:T proargnames:T proargdefaults:t protrftypes:I prosrc:t probin:t
    prosqlbody:t proconfig:T proacl:T`,
  pg_publication:
    `oid pubname:t pubowner puballtables:b pubinsert:b pubupdate:b pubdelete:b pubtruncate:b
    pubviaroot:b`,
  pg_publication_namespace: "oid pnpubid pnnspid",
  pg_publication_rel: "oid prpubid prrelid prqual:t prattrs:I",
  pg_range: "rngtypid rngsubtype rngmultitypid rngcollation rngsubopc rngcanonical:t rngsubdiff:t",
  pg_rewrite: "oid rulename:t ev_class ev_type:t ev_enabled:t is_instead:b ev_qual:t ev_action:t",
  pg_roles: `rolname:t rolsuper:b rolinherit:b rolcreaterole:b rolcreatedb:b rolcanlogin:b
    rolreplication:b rolconnlimit rolpassword:t rolvaliduntil:z rolbypassrls:b rolconfig:T
    oid`,
  pg_sequence:
    "seqrelid seqtypid seqstart:l seqincrement:l seqmax:l seqmin:l seqcache:l seqcycle:b",
  pg_sequences: `schemaname:t sequencename:t sequenceowner:t data_type:t start_value:l min_value:l
    max_value:l increment_by:l cycle:b cache_size:l last_value:l`,
  pg_settings: `name:t setting:t unit:t category:t short_desc:t extra_desc:t context:t vartype:t
    source:t min_val:t max_val:t enumvals:T boot_val:t reset_val:t sourcefile:t sourceline
    pending_restart:b`,
  pg_shdescription: "objoid classoid description:t",
  pg_stat_activity:
    `datid datname:t pid leader_pid usesysid usename:t application_name:t client_addr:t
    client_hostname:t client_port backend_start:z xact_start:z query_start:z state_change:z
    wait_event_type:t wait_event:t state:t backend_xid:t backend_xmin:t query_id:l query:t
    backend_type:t`,
  pg_stat_user_tables:
    `relid schemaname:t relname:t seq_scan:l seq_tup_read:l idx_scan:l idx_tup_fetch:l
    n_tup_ins:l n_tup_upd:l n_tup_del:l n_tup_hot_upd:l n_live_tup:l n_dead_tup:l
    n_mod_since_analyze:l n_ins_since_vacuum:l last_vacuum:z last_autovacuum:z
    last_analyze:z last_autoanalyze:z vacuum_count:l autovacuum_count:l analyze_count:l
    autoanalyze_count:l`,
  pg_statistic_ext: `oid stxrelid stxname:t stxnamespace stxowner stxstattarget stxkeys:I stxkind:T
    stxexprs:t`,
  pg_tables:
    `schemaname:t tablename:t tableowner:t tablespace:t hasindexes:b hasrules:b hastriggers:b
    rowsecurity:b`,
  pg_tablespace: "oid spcname:t spcowner spcacl:T spcoptions:T",
  pg_timezone_names: "name:t abbrev:t utc_offset:v is_dst:b",
  pg_trigger:
    `oid tgrelid tgparentid tgname:t tgfoid tgtype tgenabled:t tgisinternal:b tgconstrrelid
    tgconstrindid tgconstraint tgdeferrable:b tginitdeferred:b tgnargs tgattr:I tgargs:t
    tgqual:t tgoldtable:t tgnewtable:t`,
  pg_type: `oid typname:t typnamespace typowner typlen typbyval:b typtype:t typcategory:t
    typispreferred:b typisdefined:b typdelim:t typrelid typsubscript:t typelem typarray
    typinput:t typoutput:t typreceive:t typsend:t typmodin:t typmodout:t typanalyze:t
    typalign:t typstorage:t typnotnull:b typbasetype typtypmod typndims typcollation
    typdefaultbin:t typdefault:t typacl:T`,
  pg_user: `usename:t usesysid usecreatedb:b usesuper:b userepl:b usebypassrls:b passwd:t valuntil:z
    useconfig:T`,
  pg_views: "schemaname:t viewname:t viewowner:t definition:t",
};

/** Of information_schema; a name without a letter is a text. */
export const INFORMATION_SCHEMA: Readonly<Record<string, string>> = {
  character_sets:
    `character_set_catalog character_set_schema character_set_name character_repertoire
    form_of_use default_collate_catalog default_collate_schema default_collate_name`,
  check_constraints: "constraint_catalog constraint_schema constraint_name check_clause",
  column_privileges:
    `grantor grantee table_catalog table_schema table_name column_name privilege_type
    is_grantable`,
  columns: `table_catalog table_schema table_name column_name ordinal_position:i column_default
    is_nullable data_type character_maximum_length:i character_octet_length:i
    numeric_precision:i numeric_precision_radix:i numeric_scale:i datetime_precision:i
    interval_type interval_precision:i character_set_catalog character_set_schema
    character_set_name collation_catalog collation_schema collation_name domain_catalog
    domain_schema domain_name udt_catalog udt_schema udt_name scope_catalog scope_schema
    scope_name maximum_cardinality:i dtd_identifier is_self_referencing is_identity
    identity_generation identity_start identity_increment identity_maximum identity_minimum
    identity_cycle is_generated generation_expression is_updatable`,
  constraint_column_usage:
    `table_catalog table_schema table_name column_name constraint_catalog constraint_schema
    constraint_name`,
  key_column_usage: `constraint_catalog constraint_schema constraint_name table_catalog table_schema
    table_name column_name ordinal_position:i position_in_unique_constraint:i`,
  referential_constraints:
    `constraint_catalog constraint_schema constraint_name unique_constraint_catalog
    unique_constraint_schema unique_constraint_name match_option update_rule delete_rule`,
  role_table_grants:
    `grantor grantee table_catalog table_schema table_name privilege_type is_grantable
    with_hierarchy`,
  schemata: `catalog_name schema_name schema_owner default_character_set_catalog
    default_character_set_schema default_character_set_name sql_path`,
  sequences: `sequence_catalog sequence_schema sequence_name data_type numeric_precision:i
    numeric_precision_radix:i numeric_scale:i start_value minimum_value maximum_value
    increment cycle_option`,
  table_constraints:
    `constraint_catalog constraint_schema constraint_name table_catalog table_schema
    table_name constraint_type is_deferrable initially_deferred enforced nulls_distinct`,
  table_privileges:
    `grantor grantee table_catalog table_schema table_name privilege_type is_grantable
    with_hierarchy`,
  tables: `table_catalog table_schema table_name table_type self_referencing_column_name
    reference_generation user_defined_type_catalog user_defined_type_schema
    user_defined_type_name is_insertable_into is_typed commit_action`,
  triggers: `trigger_catalog trigger_schema trigger_name event_manipulation event_object_catalog
    event_object_schema event_object_table action_order:i action_condition action_statement
    action_orientation action_timing action_reference_old_table action_reference_new_table
    action_reference_old_row action_reference_new_row created`,
  views: `table_catalog table_schema table_name view_definition check_option is_updatable
    is_insertable_into is_trigger_updatable is_trigger_deletable is_trigger_insertable_into`,
  routines: `specific_catalog specific_schema specific_name routine_catalog routine_schema
    routine_name routine_type data_type routine_body routine_definition external_language`,
  parameters: `specific_catalog specific_schema specific_name ordinal_position:i parameter_mode
    parameter_name data_type`,
};
