import Reactor
import Testing

@testable import Node

@Suite struct NodeClientTests {
    @Test func everyByteOfAKeyTravels() throws {
        #expect(try NodeClient.path(ofKey: "a/b?c%d e~é") == "/v1/cache/a%2Fb%3Fc%25d%20e~%C3%A9")
    }

    @Test(arguments: ["", ".", "..", String(repeating: "k", count: 513)])
    func keysThatHTTPCannotCarryAreRefused(key: String) {
        #expect(throws: CommandFailure.self) { try NodeClient.path(ofKey: key) }
    }

    @Test func metricsAreAddedUpOverLabels() {
        let text = """
            # HELP tribe_x Something.
            tribe_x{loop="0"} 1.5
            tribe_x{loop="1"} 2
            tribe_y 7
            nonsense
            tribe_z notANumber
            """
        let metrics = MetricsReading(Array(text.utf8))
        #expect(metrics.sum(of: "tribe_x") == 3.5 && metrics.maximum(of: "tribe_x") == 2)
        #expect(metrics.sum(of: "tribe_y") == 7 && metrics.sum(of: "tribe_z") == 0)
    }

    @Test(arguments: [(0, "0B"), (1_023, "1023B"), (1_024, "1.0KiB"), (1_572_864, "1.5MiB"), (3 << 40, "3.0TiB")])
    func sizesAreForPeople(bytes: Int, text: String) {
        #expect(ByteText.rounded(bytes) == text)
    }
}
