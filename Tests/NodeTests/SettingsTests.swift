import Histogram
import Reactor
import Testing

@testable import Node

@Suite struct SettingsTests {
    @Test func variablesOfTheEnvironmentAreRead() {
        var settings = NodeSettings()
        let faults = EnvironmentSettings.apply(
            [
                ("TRIBE_LOOPS", "3"), ("TRIBE_CACHE_MEMORY", "64MiB"), ("TRIBE_CACHE_EVICTION", "refuse"),
                ("TRIBE_LIMITS_IDLETIMEOUT", "5s"), ("TRIBE_LIMITS_CONNECTIONS", "7"), ("TRIBE_URL", "http://x"),
                ("TRIBE_LIMITS_OUTPUTMAX", "1MiB"), ("TRIBE_LIMITS_UPSTASHBODYMAX", "2MiB"),
                ("TRIBE_LIMITS_DRAINDELAY", "15s"),
            ], to: &settings)
        #expect(faults.isEmpty)
        #expect(settings.loops == 3 && settings.memory == 64 << 20 && settings.limits.connections == 7)
        #expect(settings.limits.idleTime == 5_000 && settings.outputMax == 1 << 20)
        #expect(settings.upstashBodyMax == 2 << 20 && settings.drainDelay == 15_000)
    }

    @Test func aNodeNeedNotWaitBeforeItDrains() {
        var settings = NodeSettings()
        settings.drainDelay = 1
        #expect(EnvironmentSettings.apply([("TRIBE_LIMITS_DRAINDELAY", "0s")], to: &settings).isEmpty)
        #expect(settings.drainDelay == 0)
    }

    @Test(arguments: [
        ("TRIBE_LOOPS", "0"), ("TRIBE_LOOPS", "257"), ("TRIBE_LOOPS", "two"), ("TRIBE_CACHE_MEMORY", "1MiB"),
        ("TRIBE_CACHE_MEMORY", "64k"), ("TRIBE_CACHE_VALUEMAX", "2GiB"), ("TRIBE_CACHE_EVICTION", "lru"),
        ("TRIBE_LIMITS_IDLETIMEOUT", "0s"), ("TRIBE_LIMITS_IDLETIMEOUT", "5"), ("TRIBE_LIMITS_FIELDSMAX", "255"),
        ("TRIBE_LIMITS_OUTPUTMAX", "1KiB"), ("TRIBE_LIMITS_OUTPUTMAX", "64M"),
        ("TRIBE_CACHE_MEMORY", "8388607TiB"), ("TRIBE_LIMITS_BODYRATEMIN", "9223372036854775807"),
        ("TRIBE_LIMITS_IDLETIMOUT", "5s"), ("TRIBE_CACHE_MEMROY", "1GiB"), ("TRIBE_LIMITS_URIMAX", "32KiB"),
    ])
    func whatCannotBeIsAFaultThatNamesTheVariable(name: String, value: String) {
        var settings = NodeSettings()
        let faults = EnvironmentSettings.apply([(name, value)], to: &settings)
        #expect(faults.map(\.name) == [name])
    }

    @Test func allFaultsAreToldAtOnce() {
        var settings = NodeSettings()
        let faults = EnvironmentSettings.apply(
            [("TRIBE_LOOPS", "0"), ("TRIBE_CACHE_EVICTION", "x"), ("TRIBE_LIMITS_X", "1")], to: &settings)
        #expect(faults.count == 3)
    }
}

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
