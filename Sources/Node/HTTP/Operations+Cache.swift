import Reactor

// The cache routes, as `/openapi.json` describes them.

extension Operation {
    static let putCacheEntry = Operation(
        "putCacheEntry", "Store a value",
        detail:
            "The body is kept byte for byte with its Content-Type and Content-Encoding. With If-None-Match: * it is "
            + "stored only if the key does not exist, with If-Match only if the stored version is that one.",
        tag: .cache, role: .write,
        parameters: [
            key,
            .query("ttl", .component(.duration), "Time to live; for ever unless given."),
            .query(
                "stale", .component(.duration),
                "How long past its ttl the value is kept for refreshers; a plain GET misses it then."),
            .query("tags", .string, "Tags that invalidate it, with commas between: a,b."),
            .query(
                "acks", .integerWithin(0...4),
                "Copies beyond the primary that must hold the value before the answer; at most the cluster's copies "
                    + "less one."
            ),
            .header("If-Match", .string, "Store only if this ETag is the stored version."),
            .header("If-None-Match", .words(["*"]), "Store only if the key does not exist."),
            .header("Content-Encoding", .string, "Kept with the value; the body is not decoded."),
            .header("X-Tribe-Refresh", .string, "The lease that this value settles."),
        ],
        body: Body(detail: "The value, empty or not.", content: [anyBytes]),
        answers: [
            Answer(201, "Created.", headers: [etag, copies, partial]),
            Answer(204, "Replaced.", headers: [etag, copies, partial]),
        ],
        problems: [.invalidKey, .preconditionFailed, .refreshStale, .outOfMemory, .notEnoughCopies])

    static let getCacheEntry = Operation(
        "getCacheEntry", "Read a value",
        detail:
            "With refresh, which needs the write role, it is stampede control: on a miss or a stale value one "
            + "caller per lease gets X-Tribe-Refresh and has to load the value and PUT it; the others get the stale "
            + "value, or wait, or 404.",
        tag: .cache, role: .read,
        parameters: [
            key,
            .query("consistency", .words(["local"]), "local: the nearest copy will do, even if it lags behind."),
            .query(
                "refresh", .component(.duration), "Asks for a refresh lease of this length on a miss or a stale value.",
                role: .write),
            .query(
                "wait", .component(.duration),
                "With refresh: how long to wait for the value that another caller is loading; at most 60s.",
                role: .write),
            .header("If-None-Match", .string, "ETags that the caller has: 304 if the value is one of them."),
        ],
        answers: [
            Answer(
                200, "The value, with the Content-Type it was stored with.", [anyBytes],
                headers: [
                    etag, cacheControl, cacheStatus,
                    Header("Content-Encoding", "As it was stored."),
                    Header("X-Content-Type-Options", "Always nosniff.", .words(["nosniff"])),
                    Header(
                        "Content-Security-Policy", "Always sandbox: stored bytes never run in a browser.",
                        .words(["sandbox"])),
                    lease,
                ]),
            Answer(304, "The caller has this version.", headers: [etag, cacheControl, cacheStatus]),
            Answer(404, "A miss.", headers: [cacheControl, cacheStatus, lease]),
        ],
        problems: [.invalidKey, .notFound])

    static let deleteCacheEntry = Operation(
        "deleteCacheEntry", "Delete a key",
        tag: .cache, role: .write,
        parameters: [
            key, .header("If-Match", .string, "Delete only if this ETag is the stored version."),
            .header("If-None-Match", .string, "Delete only if the stored version is none of these ETags."),
        ],
        answers: [Answer(204, "It does not exist now, whether it did before or not.", headers: [copies])],
        problems: [.invalidKey, .preconditionFailed])

    static let touchCacheEntry = Operation(
        "touchCacheEntry", "Set a new time to live",
        tag: .cache, role: .write,
        parameters: [
            key, .header("If-Match", .string, "Touch only if this ETag is the stored version."),
            .header("If-None-Match", .string, "Touch only if the stored version is none of these ETags."),
        ],
        body: .json(
            .object([
                .required("ttl", .component(.duration), "From now on."),
                .optional("stale", .component(.duration), "How long past its ttl it is kept for refreshers."),
            ]), "The new time to live."),
        answers: [Answer(204, "Set.", headers: [copies])],
        problems: [.invalidKey, .notFound, .preconditionFailed])

    static let incrementCacheEntry = Operation(
        "incrementCacheEntry", "Add to an integer",
        detail: "A key that does not exist counts from 0. The value is stored as decimal text.",
        tag: .cache, role: .write,
        parameters: [
            key, .header("If-Match", .string, "Add only if this ETag is the stored version."),
            .header("If-None-Match", .string, "Add only if the stored version is none of these ETags."),
        ],
        body: .json(.object(OpenAPIComponent.incrementMembers), "How much, and how long a new counter lives."),
        answers: [Answer(200, "The sum.", [.json(.component(.counter))], headers: [copies, partial])],
        problems: [.invalidKey, .preconditionFailed, .notAnInteger, .integerOverflow, .outOfMemory])

    static let giveUpCacheRefresh = Operation(
        "giveUpCacheRefresh", "Give up a refresh lease",
        detail: "The lease passes to the next waiter. A lease that is over already is no error.",
        tag: .cache, role: .write,
        parameters: [key, .header("X-Tribe-Refresh", .string, "The lease.", isRequired: true)],
        answers: [Answer(204, "The caller does not hold the lease now.")],
        problems: [.invalidKey])

    static let runCacheBatch = Operation(
        "runCacheBatch", "Carry out several operations",
        detail: "A get needs the role read, every other operation write. Keys that the token is not bound to are 403.",
        tag: .cache, role: [.read, .write],
        body: .json(.component(.batch), "The operations."),
        answers: [Answer(200, "A result for each, in order.", [.json(.component(.batchResults))])])

    static let invalidateCache = Operation(
        "invalidateCache", "Delete by tag or prefix, or everything",
        detail: "Exactly one of the parameters. The time a tag takes does not depend on how many entries have it.",
        tag: .cache, role: .write,
        parameters: [
            .query("tag", .string, "All entries with this tag."),
            .query("prefix", .string, "All keys that begin with this."),
            .query("all", .words(["true"]), "Everything.", role: .admin),
        ],
        answers: [Answer(200, "Invalidated on every member that could be told.", [.json(.component(.invalidation))])])

    static let listCacheKeys = Operation(
        "listCacheKeys", "List keys",
        detail: "A key that exists all the while is listed exactly once, whatever changes meanwhile.",
        tag: .cache, role: .read,
        parameters: [
            .query("prefix", .string, "Only keys that begin with this."),
            .query("limit", .integerWithin(1...1000), "Most keys to a page; 100 unless given."),
            .query("cursor", .string, "next of the page before."),
        ],
        answers: [Answer(200, "A page, in no particular order.", [.json(.component(.keyPage))])],
        problems: [.badCursor])

    // MARK: Shared

    private static let key = Parameter.path(
        "key", .string,
        "One percent-encoded segment of 1 to 512 bytes, of any kind; a slash inside is %2F. Keys that are not text, or "
            + "are . or .., go through the batch route as key64.")

    private static let anyBytes = Content(type: "*/*", schema: .bytes)

    private static let etag = Header("ETag", "The version of the value.", .pattern("^\"v.*\"$", example: "\"v1a2b3c\""))
    private static let copies = Header(
        "X-Tribe-Copies", "Nodes that hold this write, of those that should.",
        .pattern("^[0-9]+/[0-9]+$", example: "2/3"))
    private static let partial = Header(
        "X-Tribe-Partial", "There while not every node that may hold newer values can be reached.", .words(["true"]))
    private static let cacheControl = Header("Cache-Control", "private, no-cache; with refresh no-store.")
    private static let cacheStatus = Header("Cache-Status", "RFC 9211: tribe; hit; ttl=57.")
    private static let lease = Header("X-Tribe-Refresh", "The caller now holds the refresh lease: its token.")
}
