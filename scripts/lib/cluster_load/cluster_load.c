// The load generator of scripts/bench cluster: many clients with one command under way each, over a fixed number of
// connections, on one thread with one epoll.
//
//     cluster_load MODE CONNECTIONS SECONDS KEYS VALUE_BYTES SEED PORT...
//
// MODE is how a client gets to the node that has its key:
//     get, set          asks the node of its own connection for any key: every node answers for all
//     get-moved         the same, and follows -MOVED to the node that it names
//     get-slots         asks its node only for keys whose slots that node has, as standard input tells them
//     set-wait-slots    so too, SET and WAIT 1 in one write
//
// Connection i is to node i % nodes, and client i begins on it. A client that is sent elsewhere goes on with the
// connection to that node whose number is next to its own, behind whatever is under way there: connections and commands
// under way are as many in each mode. A line of figures ends the run: operations after the warm-up, seconds, operations
// in all, hops that were redirected, errors, misses, and the latencies of the median and the 99th percentile in
// microseconds.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { NODES_MAX = 16, CONNECTIONS_MAX = 1024, SLOTS = 16384, BUFFER = 1 << 16, QUEUE = 4096, VALUE_MAX = 4096 };
enum { LATENCIES_MAX = 1000000 };
static const uint64_t WARM_UP_NS = 500000000;

typedef struct {
    int client;
    // What is still to be answered of it here: 2 for SET and WAIT.
    int replies;
    bool moved;
    int target;
    bool failed;
    bool missed;
} Pending;

typedef struct {
    int fd, node;
    char in[BUFFER];
    int length;
    char *out;
    int out_length, out_sent, out_room;
    // First in, first out: the order of replies.
    Pending queue[QUEUE];
    unsigned head, tail;
} Connection;

typedef struct {
    int key;
    uint64_t started;
} Client;

static int ports[NODES_MAX], nodes, connection_count, key_count, value_bytes;
static bool is_set, waits, follows, knows_slots;
static Connection *connections;
static Client clients[CONNECTIONS_MAX];
static uint8_t owner[SLOTS];
static int *keys_of[NODES_MAX], keys_of_count[NODES_MAX];
static char value[VALUE_MAX];
static uint64_t seed, begun, ends, operations, total, redirected, errors, misses, latency_count;
static uint32_t *latencies;

static void fail(const char *what) {
    fprintf(stderr, "cluster_load: %s: %s\n", what, errno ? strerror(errno) : "");
    exit(1);
}

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// xorshift64* (Vigna, 2016).
static uint64_t draw(void) {
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * 2685821657736338717u;
}

// CRC16-CCITT (XModem), as Redis Cluster's specification has it.
static int slot_of(const char *key, int length) {
    uint16_t crc = 0;
    for (int i = 0; i < length; i++) {
        crc ^= (uint16_t)((uint8_t)key[i] << 8);
        for (int bit = 0; bit < 8; bit++) crc = (uint16_t)(crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1);
    }
    return crc % SLOTS;
}

static int key_text(char *text, int key) { return sprintf(text, "key:%012d", key); }

static int connect_to(int port) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static int node_of_port(int port) {
    for (int n = 0; n < nodes; n++)
        if (ports[n] == port) return n;
    errno = 0;
    fail("a node that was not named");
    return -1;
}

// Who has which slot comes as lines `first last port`.
static void read_slots(void) {
    int first, last, port, known = 0;
    while (scanf("%d %d %d", &first, &last, &port) == 3)
        for (int slot = first; slot <= last; slot++, known++) owner[slot] = (uint8_t)node_of_port(port);
    errno = 0;
    if (known != SLOTS) fail("slots without an owner");
    for (int n = 0; n < nodes; n++) keys_of[n] = malloc(sizeof(int) * (size_t)key_count);
    for (int key = 0; key < key_count; key++) {
        char text[32];
        int n = owner[slot_of(text, key_text(text, key))];
        keys_of[n][keys_of_count[n]++] = key;
    }
}

static void push_out(Connection *c, const char *data, int length) {
    if (c->out_length + length > c->out_room) {
        c->out_room = 2 * (c->out_length + length);
        if ((c->out = realloc(c->out, (size_t)c->out_room)) == NULL) fail("realloc");
    }
    memcpy(c->out + c->out_length, data, (size_t)length);
    c->out_length += length;
}

static void ask(int client, Connection *c) {
    char key[32], text[256];
    int key_length = key_text(key, clients[client].key);
    if (is_set) {
        push_out(c, text, sprintf(text, "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n", key_length, key, value_bytes));
        push_out(c, value, value_bytes);
        push_out(c, "\r\n", 2);
    } else {
        push_out(c, text, sprintf(text, "*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n", key_length, key));
    }
    if (waits) push_out(c, text, sprintf(text, "*3\r\n$4\r\nWAIT\r\n$1\r\n1\r\n$4\r\n1000\r\n"));
    if (c->tail - c->head == QUEUE) fail("too much under way on one connection");
    c->queue[c->tail++ % QUEUE] = (Pending){.client = client, .replies = waits ? 2 : 1};
}

static void begin(int client) {
    Connection *c = &connections[client];
    if (now_ns() >= ends) return;
    clients[client].key = knows_slots ? keys_of[c->node][draw() % (uint64_t)keys_of_count[c->node]]
                                      : (int)(draw() % (uint64_t)key_count);
    clients[client].started = now_ns();
    ask(client, c);
}

static void finished(Pending *p) {
    if (p->moved) {
        redirected++;
        // The connection to that node beside the client's own.
        int group = p->client / nodes;
        ask(p->client, &connections[group * nodes + p->target]);
        return;
    }
    uint64_t now = now_ns(), started = clients[p->client].started;
    total++;
    errors += p->failed;
    misses += p->missed;
    if (started >= begun + WARM_UP_NS && now <= ends) {
        operations++;
        // The first million are sample enough: the rate does not change.
        if (latency_count < LATENCIES_MAX) latencies[latency_count++] = (uint32_t)((now - started) / 1000);
    }
    begin(p->client);
}

// The length of the reply at the start of what was received, 0 while it is not all there. Only what the commands here
// are answered with: simple strings, errors, integers and bulk strings.
static int reply_length(const char *data, int length) {
    const char *end = memchr(data, '\n', (size_t)length);
    if (end == NULL) return 0;
    int line = (int)(end - data) + 1;
    if (data[0] != '$' || data[1] == '-') return line;
    int whole = line + atoi(data + 1) + 2;
    return whole <= length ? whole : 0;
}

static void take(Pending *p, const char *reply) {
    if (strncmp(reply, "-MOVED ", 7) == 0 && follows) {
        p->moved = true;
        const char *colon = memchr(reply, ':', 64);
        p->target = node_of_port(colon ? atoi(colon + 1) : 0);
    } else if (reply[0] == '-') {
        p->failed = true;
    } else if (reply[0] == '$') {
        p->missed |= reply[1] == '-';
    } else if (reply[0] == ':' && !p->moved) {
        // WAIT: how many replicas have it.
        p->failed |= atoi(reply + 1) < 1;
    }
    p->replies--;
}

static void receive(Connection *c) {
    ssize_t got = read(c->fd, c->in + c->length, (size_t)(BUFFER - 1 - c->length));
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) fail("a node has closed a connection");
    c->length += (int)got;
    c->in[c->length] = 0;
    int at = 0, whole;
    while (at < c->length && (whole = reply_length(c->in + at, c->length - at)) > 0) {
        errno = 0;
        if (c->head == c->tail) fail("a reply that nobody asked for");
        Pending *p = &c->queue[c->head % QUEUE];
        take(p, c->in + at);
        at += whole;
        if (p->replies == 0) {
            Pending done = *p;
            c->head++;
            finished(&done);
        }
    }
    memmove(c->in, c->in + at, (size_t)(c->length - at));
    c->length -= at;
}

static void flush_out(Connection *c) {
    while (c->out_sent < c->out_length) {
        ssize_t sent = write(c->fd, c->out + c->out_sent, (size_t)(c->out_length - c->out_sent));
        if (sent < 0 && errno == EAGAIN) return;
        if (sent < 0) fail("write");
        c->out_sent += (int)sent;
    }
    c->out_length = c->out_sent = 0;
}

static bool is_idle(void) {
    for (int i = 0; i < connection_count; i++)
        if (connections[i].head != connections[i].tail) return false;
    return true;
}

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void run(double seconds) {
    int epoll = epoll_create1(0);
    for (int i = 0; i < connection_count; i++) {
        Connection *c = &connections[i];
        c->node = i % nodes;
        c->fd = connect_to(ports[c->node]);
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
    }
    begun = now_ns();
    ends = begun + WARM_UP_NS + (uint64_t)(seconds * 1e9);
    for (int i = 0; i < connection_count; i++) begin(i);
    while (!is_idle()) {
        for (int i = 0; i < connection_count; i++)
            if (connections[i].out_length > 0) flush_out(&connections[i]);
        struct epoll_event events[CONNECTIONS_MAX];
        int count = epoll_wait(epoll, events, CONNECTIONS_MAX, 1000);
        if (count == 0 && now_ns() > ends + 10000000000u) fail("nodes that do not answer");
        for (int i = 0; i < count; i++) receive(&connections[events[i].data.u32]);
    }
}

int main(int argc, char **argv) {
    if (argc < 8) fail("usage: MODE CONNECTIONS SECONDS KEYS VALUE_BYTES SEED PORT...");
    const char *mode = argv[1];
    is_set = strncmp(mode, "set", 3) == 0;
    waits = strstr(mode, "wait") != NULL;
    follows = strstr(mode, "moved") != NULL;
    knows_slots = strstr(mode, "slots") != NULL;
    connection_count = atoi(argv[2]);
    key_count = atoi(argv[4]);
    value_bytes = atoi(argv[5]);
    seed = strtoull(argv[6], NULL, 10) | 1;
    nodes = argc - 7;
    if (nodes > NODES_MAX || connection_count > CONNECTIONS_MAX || connection_count % nodes || value_bytes > VALUE_MAX)
        fail("too many, or connections that are no multiple of the nodes");
    for (int n = 0; n < nodes; n++) ports[n] = atoi(argv[7 + n]);
    memset(value, 'x', sizeof value);
    connections = calloc((size_t)connection_count, sizeof(Connection));
    latencies = malloc(sizeof(uint32_t) * LATENCIES_MAX);
    if (connections == NULL || latencies == NULL) fail("memory");
    if (knows_slots) read_slots();
    double seconds = atof(argv[3]);
    run(seconds);
    qsort(latencies, latency_count, sizeof *latencies, ascending);
    uint32_t p50 = latency_count ? latencies[latency_count / 2] : 0;
    uint32_t p99 = latency_count ? latencies[latency_count * 99 / 100] : 0;
    printf("%lu %.3f %lu %lu %lu %lu %u %u\n", operations, seconds, total, redirected, errors, misses, p50, p99);
    return 0;
}
