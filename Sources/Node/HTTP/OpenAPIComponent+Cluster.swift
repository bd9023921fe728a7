// What the routes about the cluster answer.

extension OpenAPIComponent {
    private static let stateSchema = Schema.words(["alive", "suspect", "unreachable", "left"])

    static let memberSchema = Schema.object([
        .required("id", .string, "From the roster."),
        .required("state", stateSchema, "As this node sees it."),
        .required(
            "uid", .nullable(.string),
            "The identity behind the id; another one after its data was wiped. Null: it was never heard of."),
        .required("version", .nullable(.string), "Of the program; null: it is not known yet."),
        .required("http", .string, "Address and port."),
        .required("resp", .nullable(.string), "Address and port; null: it does not speak RESP."),
        .required("zone", .nullable(.string), "From the roster; null: none."),
        .required(
            "incarnation", .string,
            "Hexadecimal. Raised by the member itself; of two claims about it the higher is newer."),
    ])

    static let clusterSchema = Schema.object([
        .required("members", .array(.component(.member)), "All of the roster, by id."),
        .required("generation", .integer, "Of the roster."),
        .required("rosterHash", .string, "Of two rosters of one generation that with the lower hash is used."),
        .required("epoch", .integer, "Names the placement: another one with every change of who holds what."),
        .required(
            "conditions", .dictionary(of: .string),
            "What somebody should look at, by its name, with a text for people. Usually none."),
    ])

    static let partitionsSchema = Schema.object([
        .required("partitions", .array(.component(.partition)), "All of them, by number."),
        .required("epoch", .integer, "Of the placement."),
    ])

    static let partitionSchema = Schema.object([
        .required("id", .integerWithin(0...1_023), "Its number."),
        .required("primary", .nullable(.string), "The node that stamps its writes; null: no node is there."),
        .required("copies", .array(.string), "All that hold it, the primary first."),
    ])

    static let clusterStatusSchema = Schema.object([
        .required("status", .words(["ok", "degraded"]), "ok: all nodes are alive and ready and agree on the roster."),
        .required("issues", .array(.string), "Why it is degraded, for people."),
        .required("nodes", .array(.component(.nodeStatus)), "All of the roster, by id."),
        .required("missing", .array(.string), "Nodes that did not answer in time."),
        .required("generation", .integer, "Of the roster, as the node that was asked has it."),
        .required("rosterHash", .string, "The same."),
        .required("epoch", .integer, "Of the placement."),
    ])

    static let nodeStatusSchema = Schema.object([
        .required("id", .string, "From the roster."),
        .required("state", stateSchema, "As the node that was asked sees it."),
        .required("http", .string, "Address and port."),
        .required("resp", .string, "Address and port."),
        .required("figures", .nullable(.object(figures)), "What it says of itself; null: it did not answer in time."),
    ])

    private static let figures: [Schema.Member] = [
        .required("version", .string, "Of the program."),
        .required("ready", .boolean, "As /readyz says."),
        .required("reasons", .array(.string), "Why it is not."),
        .required("uptimeSeconds", .integer, "Since its start."),
        .required("keys", .integer, "Entries of its cache."),
        .required("memoryUsed", .integer, "Bytes of its cache, everything counted."),
        .required("memoryBudget", .integer, "Bytes that its cache may use."),
        .required("lagMaxMilliseconds", .integer, "By how much its loops were late at worst."),
        .required("connections", .integer, "Open ones of clients."),
        .required("generation", .integer, "Of the roster in force there."),
        .required("rosterHash", .string, "The same."),
    ]

    static let reloadSchema = Schema.object([
        .required("generation", .integer, "Of the settings that are in force."),
        .required("applied", .array(.string), "Keys that have changed and are in force."),
        .required("needsRestart", .array(.string), "Keys that have changed and keep their old value until a restart."),
    ])
}
