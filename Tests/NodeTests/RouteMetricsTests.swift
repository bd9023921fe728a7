import Histogram
import Reactor
import Testing

@testable import Node

@Suite struct RouteMetricsTests {
    @Test func whatTwoLoopsCountedIsWhatOneWouldHave() {
        var (left, right, both) = (RouteMetrics(), RouteMetrics(), RouteMetrics())
        for number in 0..<1_000 {
            let (status, time): (UInt16, UInt64) = ([200, 304, 404, 503][number % 4], UInt64(number * number * 1_000))
            if number.isMultiple(of: 3) {
                left.record(status: status, nanoseconds: time)
            } else {
                right.record(status: status, nanoseconds: time)
            }
            both.record(status: status, nanoseconds: time)
        }
        left.add(right)
        for hundreds in 0...5 { #expect(left.answers[hundreds] == both.answers[hundreds]) }
        #expect(left.microsecondsTotal == both.microsecondsTotal)
        for percentile in [50.0, 90, 99, 100] {
            let merged = left.microseconds.valueAtPercentile(percentile)
            #expect(merged == both.microseconds.valueAtPercentile(percentile))
        }
    }

    @Test func labelsCannotBreakOutOfTheirQuotes() {
        var page = PrometheusText()
        page.sample("m", [("l", "a\"b\\c\nd")], 1)
        #expect(page.text == "m{l=\"a\\\"b\\\\c\\nd\"} 1\n")
    }

    @Test func everyRouteOfTheTableIsInTheDocument() throws {
        let api = try API()
        let blob = api.document
        let document = String(decoding: [UInt8](span: blob.span), as: UTF8.self)
        for route in api.routes {
            #expect(document.contains("\"operationId\":\"\(route.route.operation.id)\""), "\(route.route.pattern)")
        }
    }
}
