import Histogram

/// What one loop counts of one route: answers by status class, and how long they took.
///
/// Times go into a high dynamic range histogram (two digits, 1 µs to 100 s), which merges exactly with those of other
/// loops and nodes: percentiles do not.
struct RouteMetrics: Sendable {
    /// By hundreds of the status: 1xx to 5xx.
    private(set) var answers = InlineArray<6, UInt64>(repeating: 0)
    private(set) var microseconds = Histogram<UInt64>(
        highestTrackableValue: Self.highestMicroseconds, numberOfSignificantValueDigits: .two)
    private(set) var microsecondsTotal: UInt64 = 0

    private static let highestMicroseconds: UInt64 = 100_000_000

    mutating func record(status: UInt16, nanoseconds: UInt64) {
        answers[Int(status / 100)] &+= 1
        let value = min(Self.highestMicroseconds, (nanoseconds + 999) / 1_000)
        microsecondsTotal &+= value
        _ = microseconds.record(value)
    }

    mutating func add(_ other: RouteMetrics) {
        for index in answers.indices { answers[index] &+= other.answers[index] }
        microseconds.add(other.microseconds)
        microsecondsTotal &+= other.microsecondsTotal
    }
}

/// Records the answers of one route on one loop. Its histogram is made at the first.
final class RouteRecorder {
    private(set) var metrics: RouteMetrics?

    func record(status: UInt16, nanoseconds: UInt64) {
        if metrics?.record(status: status, nanoseconds: nanoseconds) != nil { return }
        var first = RouteMetrics()
        first.record(status: status, nanoseconds: nanoseconds)
        metrics = first
    }
}

/// What the loops counted of each route, by its index in the table; the last is for requests of no route.
struct RequestMetrics: Sendable {
    private(set) var routes: [RouteMetrics?]

    init(_ recorders: [RouteRecorder]) {
        routes = recorders.map(\.metrics)
    }

    mutating func add(_ other: RequestMetrics) {
        for (index, metrics) in other.routes.enumerated() {
            guard let metrics else { continue }
            if routes[index] == nil {
                routes[index] = metrics
            } else {
                routes[index]?.add(metrics)
            }
        }
    }
}
