import Reactor

// The system routes, as `/openapi.json` describes them.

extension Operation {
    static let getLiveness = Operation(
        "getLiveness", "Does the process turn?",
        tag: .system, role: .open,
        answers: [Answer(200, "It does.", [plainText])])

    static let getReadiness = Operation(
        "getReadiness", "Can this node serve?",
        detail: "For balancers. Quorum is a verbose check only: no balancer drops a node whose cache works.",
        tag: .system, role: .open,
        parameters: [.query("verbose", .string, "A line for each check; the name alone is enough.", role: .read)],
        answers: [
            Answer(200, "The cache can serve.", [plainText]),
            Answer(503, "It is joining or draining.", [plainText]),
        ])

    static let getPrometheusMetrics = Operation(
        "getPrometheusMetrics", "Metrics for Prometheus",
        tag: .system, role: .read,
        parameters: [.query("scope", .words(["cluster"]), "cluster: of all nodes, not of this one alone.")],
        answers: [
            Answer(
                200, "The text exposition format.", [Content(type: "text/plain; version=0.0.4", schema: .string)])
        ])

    static let getOpenAPIDocument = Operation(
        "getOpenAPIDocument", "This document",
        tag: .system, role: .read,
        answers: [Answer(200, "OpenAPI 3.1.", [.json(.object([]))])])

    static let getCluster = Operation(
        "getCluster", "Members of the cluster",
        tag: .system, role: .read,
        answers: [Answer(200, "As this node sees them.", [.json(.component(.clusterState))])])

    static let getPartitions = Operation(
        "getPartitions", "Who holds which partition",
        detail: "All of them in one answer, by the placement that this node computes of roster and members.",
        tag: .system, role: .read,
        answers: [Answer(200, "Each partition with its owners.", [.json(.component(.partitions))])])

    static let getClusterStatus = Operation(
        "getClusterStatus", "How every node is",
        detail: "Asks all members for their figures, and names those that did not answer within a second.",
        tag: .system, role: .read,
        answers: [Answer(200, "Figures of each node, and a verdict.", [.json(.component(.clusterStatus))])])

    static let streamEvents = Operation(
        "streamEvents", "What happens in the cluster, as it happens",
        detail: """
            Server-sent events: member, roster, condition; data is JSON. A stream begins with reset and the members \
            as GET /v1/cluster has them, unless Last-Event-ID says where to go on. A comment every 15 s keeps it open.
            """,
        tag: .system, role: .read,
        parameters: [.header("Last-Event-ID", .string, "The id of the last event that was seen, to go on behind it.")],
        answers: [
            Answer(200, "Until the client leaves.", [Content(type: "text/event-stream", schema: .string)])
        ],
        problems: [.draining, .overloaded])

    static let reloadSettings = Operation(
        "reloadSettings", "Read the settings anew",
        detail: "As SIGHUP does, and a change of the file. All of them are taken over, or none.",
        tag: .system, role: .admin,
        answers: [Answer(200, "They are in force, now or since before.", [.json(.component(.reload))])],
        problems: [.noSettingsFile, .settingsRejected])

    static let explainError = Operation(
        "explainError", "What an error code means",
        tag: .system, role: .open,
        parameters: [.path("code", .string, "The code of a problem.")],
        answers: [
            Answer(
                200, "What it means and what to do.",
                [.json(.component(.problemEntry)), Content(type: "text/html", schema: .string)],
                headers: [Header("Vary", "Always Accept.", .words(["Accept"]))])
        ],
        problems: [.notFound])

    static let getStatusPage = Operation(
        "getStatusPage", "A page about this node",
        tag: .system, role: .read,
        answers: [Answer(200, "For people.", [Content(type: "text/html", schema: .string)])])

    private static let plainText = Content(type: "text/plain", schema: .string)
}
