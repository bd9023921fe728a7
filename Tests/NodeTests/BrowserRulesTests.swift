import Testing

@testable import Node

@Suite struct BrowserRulesTests {
    @Test(arguments: [
        "127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:8080", "localhost", "localhost:8080", "cache", "cache:80",
        "10.1.2.3", "node1.example.com", "NODE1.example.com:8080",
    ])
    func aBrowserCannotBeGivenTheseNames(host: String) {
        let isKnown = BrowserRules.isKnown(host.utf8.span, hosts: ["node1.example.com"])
        #expect(isKnown)
    }

    @Test(arguments: [
        "evil.com", "127.0.0.1.evil.com", "0x7f.1", "1.2.3.4.5", "localhost.evil.com:8080",
        "node1.example.com.evil.org",
        "node2.example.com", "127.0.0.1.", "..",
    ])
    func namesThatCanBeMadeToResolveHereAreRefused(host: String) {
        let isKnown = BrowserRules.isKnown(host.utf8.span, hosts: ["node1.example.com"])
        #expect(!isKnown)
    }
}
