/**
 * What `traqq serve --generate-config` prints: a file that can be used as it is.
 *
 * @module
 */

/** YAML, with every block and its defaults. */
export const CONFIG_SAMPLE = `# traqq serve --config traqq.yml
# Flags win over this file. A key that is not known is an error.

# What is counted, as in the options of Traqq.open.
mapping:
  add: [event]
# time:
#   timezone: UTC
#   hourly: false

# HTTP. Other machines can reach it only with a token, or auth.
server:
  host: 127.0.0.1
  port: 8080
  max_body_size: 10485760    # bytes, also unzipped
  request_timeout_secs: 30   # how long a body may take to come

# Every point kept, in this folder.
storage:
  data_dir: ./points
  wal_durability: periodic   # every_write, periodic, os_default, none (in memory)
  wal_sync_interval_ms: 100  # of periodic
  wal_retention_secs: 0      # how long the log stays after the database has it; null: for ever
  memtable:
    max_size_mb: 64          # lines that wait for the database before writers do

# JWTs (HS256). Tokens are in the file of --token-file, or in TRAQQ_TOKEN.
auth:
  enabled: false
  # jwt_secret: 32 bytes or more that only you know

logging:
  level: info                # trace, debug, info, warn, error

# PostgreSQL's clients. It wants a token, which is their password.
postgres:
  enabled: false
  host: 127.0.0.1
  port: 5432
  max_connections: 100

# Whole days that are older are dropped; measurement "*": all without a policy of their own.
retention_policies: []
#  - measurement: cpu
#    duration_secs: 2592000
`;
