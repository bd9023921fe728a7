/// The schemas that have a name in the document, because clients generate a type from each.
enum OpenAPIComponent: String, CaseIterable, Sendable {
    case problem = "Problem"
    case problemEntry = "ProblemEntry"
    case duration = "Duration"
    case keyInfo = "KeyInfo"
    case keyPage = "KeyPage"
    case batch = "Batch"
    case batchGet = "BatchGet"
    case batchPut = "BatchPut"
    case batchDelete = "BatchDelete"
    case batchIncrement = "BatchIncrement"
    case batchResult = "BatchResult"
    case batchResults = "BatchResults"
    case counter = "Counter"
    case invalidation = "Invalidation"
    case member = "Member"
    case clusterState = "ClusterState"
    case partitions = "Partitions"
    case partition = "Partition"
    case clusterStatus = "ClusterStatus"
    case nodeStatus = "NodeStatus"
    case reload = "Reload"

    var schema: Schema {
        switch self {
        case .problem: Self.problemSchema
        case .problemEntry: Self.problemEntrySchema
        case .duration: .pattern("^[0-9]+(ms|s|m|h|d)$", example: "30s")
        case .keyInfo: Self.keyInfoSchema
        case .keyPage: Self.page(of: .keyInfo)
        case .batch: Self.batchSchema
        case .batchGet: Self.batchOperation("get", [])
        case .batchPut: Self.batchOperation("put", Self.putMembers)
        case .batchDelete: Self.batchOperation("delete", [])
        case .batchIncrement: Self.batchOperation("increment", Self.incrementMembers)
        case .batchResult: Self.batchResultSchema
        case .batchResults:
            .object([.required("results", .array(.component(.batchResult)), "One for each operation, in their order.")])
        case .counter: .object([.required("value", .integer64, "The integer after the increment, exact.")])
        case .invalidation:
            .object([
                .required(
                    "pending", .array(.string), "Members that could not be told yet; they apply it when they are back.")
            ])
        case .member: Self.memberSchema
        case .clusterState: Self.clusterSchema
        case .partitions: Self.partitionsSchema
        case .partition: Self.partitionSchema
        case .clusterStatus: Self.clusterStatusSchema
        case .nodeStatus: Self.nodeStatusSchema
        case .reload: Self.reloadSchema
        }
    }

    /// Members of an increment, in a batch or alone.
    static let incrementMembers: [Schema.Member] = [
        .optional("by", .integer64, "What is added, 1 unless given; negative to count down."),
        .optional("ttl", .component(.duration), "Time to live, only if this creates the key."),
    ]
}

// MARK: - Problems

extension OpenAPIComponent {
    private static let problemSchema = Schema.object([
        .required("type", .formatted("uri-reference"), "The page that explains the code."),
        .required("title", .string, "The same for every problem of a code."),
        .required("status", .integerWithin(400...599), "The status of the answer."),
        .required("detail", .string, "What is wrong with this very request."),
        .required("instance", .formatted("uri"), "urn:uuid: and the request's id."),
        .required("code", .string, "A stable word, for programs."),
        .optional(
            "errors",
            .array(
                .object([
                    .optional("pointer", .formatted("json-pointer"), "Where in the body of the request."),
                    .optional("parameter", .string, "Or which query parameter."),
                    .optional("header", .string, "Or which header field."),
                    .required("detail", .string, "What is wrong there."),
                ])), "Everything that is wrong with the request."),
    ])

    private static let problemEntrySchema = Schema.object([
        .required("code", .words(ProblemEntry.allCodes), "The code."),
        .required("status", .integerWithin(400...599), "The status that it comes with."),
        .required("title", .string, "A few words."),
        .required("meaning", .string, "What has happened."),
        .required("remedy", .string, "What to do about it."),
    ])
}

// MARK: - Cache

extension OpenAPIComponent {
    private static let keyMembers: [Schema.Member] = [
        .optional("key", .string, "The key, if it is text."),
        .optional("key64", .base64, "The key in base64, if it is not text or is . or .. (else key)."),
    ]

    private static let keyInfoSchema = Schema.object(
        keyMembers + [
            .required("size", .integer, "Bytes of the value."),
            .required("ttl", .nullable(.component(.duration)), "What is left to live; null: for ever."),
            .required("etag", .string, "The version, as in ETag."),
        ])

    private static func page(of item: OpenAPIComponent) -> Schema {
        .object([
            .required("items", .array(.component(item)), "This page; it may be short or empty before the end."),
            .required("next", .nullable(.string), "The cursor of the next page; null: this is the last."),
        ])
    }

    private static let batchSchema = Schema.object([
        .required(
            "operations",
            .array(
                .oneOf([
                    .component(.batchGet), .component(.batchPut), .component(.batchDelete), .component(.batchIncrement),
                ])), "Carried out one after another. Not a transaction: each has a result of its own.")
    ])

    private static func batchOperation(_ word: String, _ members: [Schema.Member]) -> Schema {
        .object([.required("op", .words([word]), "What to do.")] + keyMembers + members)
    }

    private static let putMembers: [Schema.Member] = [
        .required("value", .base64, "The value in base64."),
        .optional("contentType", .string, "Kept, and answered by GET; application/octet-stream unless given."),
        .optional("contentEncoding", .string, "Kept, and answered by GET."),
        .optional("ttl", .component(.duration), "Time to live; for ever unless given."),
        .optional("stale", .component(.duration), "How long past its ttl the value is kept for refreshers."),
        .optional("tags", .array(.string), "Tags that invalidate it."),
        .optional("ifMatch", .string, "Only if the stored version is this one."),
        .optional("ifNoneMatch", .words(["*"]), "Only if the key does not exist."),
    ]

    private static let batchResultSchema = Schema.object([
        .required("status", .integerWithin(200...599), "What the single route would have answered."),
        .optional(
            "value", .oneOf([.base64, .integer64]), "Of a get, in base64; of an increment, the integer."),
        .optional("contentType", .string, "Of a get."),
        .optional("contentEncoding", .string, "Of a get, if it was given."),
        .optional(
            "etag", .string, "Of a get or put: the version; of a put whose condition failed, that of the present entry."
        ),
        .optional("ttl", .nullable(.component(.duration)), "Of a get: what is left to live; null: for ever."),
        .optional("problem", .component(.problem), "Why it failed, if it did."),
    ])
}
