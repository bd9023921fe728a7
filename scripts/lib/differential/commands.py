"""The grammar of every command of the table, and which commands are left out."""
from differential.grammar import Form, parse_form

CONTAINERS = {"acl", "client", "command", "config", "latency", "memory", "object", "pubsub", "slowlog"}

# Drawn alike, so that a command with many lines comes more often.
GRAMMAR = """
GET key
SET key value
SET key value {[NX|XX] [GET] [KEEPTTL|EX seconds|PX milliseconds|EXAT time|PXAT timestamp]}
SET key value {[NX|XX] [GET] [KEEPTTL|EX seconds|PX milliseconds|EXAT time|PXAT timestamp]}
SETNX key value
SETEX key seconds value
PSETEX key milliseconds value
GETSET key value
GETDEL key
GETEX key [EX seconds|PX milliseconds|EXAT time|PXAT timestamp|PERSIST]
MGET key+
MSET (key value)+
MSETNX (key value)+
APPEND key value
STRLEN key
GETRANGE key index index
SUBSTR key index index
SETRANGE key offset value
INCR key
DECR key
INCRBY key integer
DECRBY key integer
INCRBYFLOAT key float
LCS key key {[LEN] [IDX] [MINMATCHLEN integer] [WITHMATCHLEN]}

SETBIT key bitoffset bit
GETBIT key bitoffset
BITCOUNT key [index index [BYTE|BIT]]
BITOP (AND|OR|XOR) key key+
BITOP NOT key key
BITPOS key bit [index [index [BYTE|BIT]]]
BITFIELD key (GET field fieldoffset|(SET|INCRBY) field fieldoffset integer|OVERFLOW (WRAP|SAT|FAIL))+
BITFIELD_RO key (GET field fieldoffset)+

DEL key+
UNLINK key+
EXISTS key+
TOUCH key+
TYPE key
KEYS pattern
SCAN cursor {[MATCH pattern] [COUNT count] [TYPE kind]}
RANDOMKEY
RENAME key key
RENAMENX key key
COPY key key {[DB database] [REPLACE]}
EXPIRE key seconds [NX|XX|GT|LT]
PEXPIRE key milliseconds [NX|XX|GT|LT]
EXPIREAT key time [NX|XX|GT|LT]
PEXPIREAT key timestamp [NX|XX|GT|LT]
EXPIRE key seconds {[NX] [XX] [GT] [LT]}
EXPIRETIME key
PEXPIRETIME key
TTL key
PTTL key
PERSIST key
OBJECT ENCODING key
OBJECT IDLETIME key
OBJECT FREQ key
OBJECT REFCOUNT key
OBJECT HELP

PING [value]
ECHO value
SELECT database
CLIENT ID
CLIENT SETNAME name
CLIENT GETNAME
CLIENT INFO
CLIENT LIST [TYPE (NORMAL|PUBSUB|MASTER|REPLICA|OTHER)]
CLIENT LIST ID stranger+
CLIENT KILL ID stranger {[ADDR name] [LADDR name] [SKIPME (YES|NO|OTHER)]}
CLIENT KILL name
CLIENT NO-EVICT (ON|OFF|OTHER)
CLIENT TRACKING OFF
CLIENT GETREDIR
CLIENT UNPAUSE
CLIENT HELP
ACL WHOAMI
ACL HELP
AUTH name
AUTH name name

DBSIZE
FLUSHALL [ASYNC|SYNC]
FLUSHDB [ASYNC|SYNC]
TIME
INFO [SERVER|MEMORY|NONE|EVERYTHING]
MEMORY USAGE key [SAMPLES integer]
MEMORY HELP
CONFIG GET (MAXMEMORY-POLICY|pattern)+
CONFIG RESETSTAT
CONFIG REWRITE
CONFIG HELP
LATENCY LATEST
LATENCY HISTORY name
LATENCY RESET [name]
LATENCY HELP
SLOWLOG GET [count]
SLOWLOG LEN
SLOWLOG RESET
SLOWLOG HELP
COMMAND COUNT
COMMAND INFO [GET|MSET|SETRANGE|NOTHING]+
COMMAND GETKEYS (GET key|MSET (key value)+|SET key value|BITOP AND key key+|PING|NOTHING)
COMMAND GETKEYS value
COMMAND GETKEYSANDFLAGS (GET key|MSET (key value)+|SET key value|BITOP AND key key+|PING|NOTHING)
COMMAND DOCS (GET|NOTHING)
COMMAND LIST
COMMAND HELP

PUBLISH channel value
PUBSUB CHANNELS [pattern]
PUBSUB NUMSUB channel+
PUBSUB NUMPAT
PUBSUB HELP
EXEC
DISCARD
UNWATCH
"""

# What blocks.py puts together: transactions, watched keys, subscriptions, the ends of connections.
IN_BLOCKS = {"multi", "exec", "discard", "watch", "unwatch", "hello", "reset", "quit", "subscribe", "unsubscribe",
             "psubscribe", "punsubscribe", "client|reply"}

LEFT_OUT = {
    "monitor": "what it shows has times and addresses; test_pubsub.py and transcripts have it",
    "debug": "Tribe has one subcommand for developers; Redis' are about its inside",
    "client|pause": "it would stop both servers for a time; transcripts have it",
    "client|setinfo": "Redis has it from 7.2 on",
    "client|no-touch": "Redis has it from 7.2 on",
    "config|set": "what can be set differs, and what was set would change what follows",
} | dict.fromkeys(
    ["cluster", "cluster|help", "cluster|info", "cluster|keyslot", "cluster|myid", "cluster|nodes", "cluster|shards",
     "cluster|slots", "readonly", "readwrite"],
    "errors in a Redis that is no cluster; transcripts and test_redis_cluster.py have it")

# Not called while it might change what others do in the same block.
RARE = {"flushall": 0.02, "flushdb": 0.02, "exec": 0.1, "discard": 0.1, "command|list": 0.1, "client|list": 0.3,
        "info": 0.2, "command|docs": 0.2}

# A spoilt call might hit a client of this run.
NEVER_SPOILT = {"client|kill"}

FORMS: list[Form] = [parse_form(line, CONTAINERS) for line in GRAMMAR.split("\n") if line.strip()]
KNOWN_NAMES = {form.name for form in FORMS} | IN_BLOCKS | LEFT_OUT.keys() | CONTAINERS
