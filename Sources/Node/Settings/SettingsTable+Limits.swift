import Cluster
import Reactor

extension SettingsTable {
    static let limits: [Setting] = [
        Setting(
            "limits.connections", \.limits.connections, .number(1...1_000_000), .live,
            """
            Open connections, of HTTP and of the Redis protocol each; one more is told so and closed. Each takes a \
            file descriptor and some 10 KiB.
            """),
        Setting(
            "limits.headerMax", \.limits.headerMax, .size(1_024...65_535), .live,
            "Bytes of a request's head, for connections made from then on. What a client may send before it is known."),
        Setting(
            "limits.fieldsMax", \.limits.fieldsMax, .number(1...254), .live,
            "Header fields, for connections made from then on."),
        Setting(
            "limits.uriMax", \.limits.uriMax, .size(64...65_535), .live,
            "Bytes of the request target, for connections made from then on; no more than `headerMax`."),
        Setting(
            "limits.headerTimeout", \.limits.headerTime, .time(), .live,
            "From the first byte of a head, or the connect, to its end. Slow clients hold a connection so long."),
        Setting(
            "limits.bodyRateMin", \.limits.bodyRateMin, .size(1...1 << 40), .live,
            "Bytes a second below which a body is given up."),
        Setting(
            "limits.idleTimeout", \.limits.idleTime, .time(), .live,
            "Between two requests, and while a client reads nothing of its answer. Longer saves connects."
        ),
        Setting(
            "limits.requestTimeout", \.limits.requestTime, .time(), .live,
            "From a complete request to its answer; a client may ask for less."),
        Setting(
            "limits.pipelineMax", \.limits.pipelineMax, .number(1...1_000_000), .live,
            "Requests of one connection that wait for answers; no more is read until some are answered."),
        Setting(
            "limits.outputMax", \.outputMax, .size(64 << 10...1 << 40), .live,
            """
            What a subscriber may leave unread before it is closed. All together may hold twice that, or twice the \
            largest value if that is more.
            """),
        Setting(
            "limits.drainDelay", \.drainDelay, .time(0...3_600_000), .live,
            "How long a node that was told to stop goes on serving, for balancers to notice. Restarts take longer."),
        Setting(
            "limits.drainTimeout", \.limits.drainTime, .time(), .live,
            "How long a drain waits for requests under way. Longer than the longest of them, shorter than who kills."),
        Setting(
            "limits.upstashBodyMax", \.upstashBodyMax, .size(1...UpstashLimits.bodyMaxCeiling), .live,
            "Body of a request on the Upstash front."),
    ]

    static let membership: [Setting] = [
        Setting(
            "membership", \.membership.profile, .anyWord, .live,
            """
            Where the nodes are: `lan`, or `local` for one machine, where silence is noticed sooner. In its place an \
            object of the settings below; what it leaves out is that of `lan`.
            """),
        Setting(
            "membership.heartbeat", \.membership.heartbeat, .time(10...10_000), .live, default: "250ms; `local`: 100ms",
            "Interval of heartbeats. Shorter notices sooner and costs more packets, nodes squared."),
        Setting(
            "membership.suspectAfter", \.membership.suspectAfter, .time(20...600_000), .live,
            default: "4 × heartbeat",
            "Silence that makes a member suspect. Shorter suspects the merely slow."),
        Setting(
            "membership.unreachableMin", \.membership.unreachableMin, .time(30...600_000), .live,
            default: "10 × heartbeat", "Silence that makes it unreachable when many confirm it."),
        Setting(
            "membership.unreachableMax", \.membership.unreachableMax, .time(30...600_000), .live,
            default: "16 × heartbeat", "Silence that makes it unreachable when nobody does."),
        Setting(
            "membership.stallMax", \.membership.stallMax, .time(10...60_000), .live,
            default: "2 × heartbeat", "A node whose own loop stalled for longer accuses nobody."),
        Setting(
            "membership.exchange", \.membership.exchangeInterval, .time(1_000...600_000), .live,
            "Between two exchanges of the whole state with a member."),
        Setting(
            "membership.indirectProbes", \.membership.indirectProbes, .number(0...16), .live,
            "Members that are asked to probe one that does not answer."),
        Setting(
            "membership.allPairsMax", \.membership.allPairsMax, .number(1...1_000), .live,
            "Up to so many nodes all pairs send heartbeats; above, members are probed at random."),
    ]
}
