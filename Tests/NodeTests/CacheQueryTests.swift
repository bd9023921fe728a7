import Reactor
import Services
import Testing

@testable import Node

@Suite struct CacheQueryTests {
    private func read(_ text: String, _ allowed: [CacheQuery.Name] = CacheQuery.Name.allCases) -> CacheQuery {
        CacheQuery(text.utf8.span, allowed: allowed)
    }

    @Test func everyParameterIsRead() {
        let query = read(
            "ttl=60s&stale=5m&tags=a,b%2Cc&acks=1&refresh=5s&wait=2s&prefix=p%20q&limit=7&cursor=x&tag=t&all=true")
        #expect(query.faults.isEmpty)
        #expect(query.ttl == 60_000)
        #expect(query.stale == 300_000)
        #expect(query.tags == ["a", "b,c"].map { Array($0.utf8) })
        #expect(query.acks == 1)
        #expect(query.refresh == 5_000)
        #expect(query.wait == 2_000)
        #expect(query.prefix == Array("p q".utf8))
        #expect(query.limit == 7)
        #expect(query.cursor == Array("x".utf8))
        #expect(query.tag == Array("t".utf8))
        #expect(query.all)
    }

    @Test func whatIsNotGivenHasItsDefault() {
        let query = read("")
        #expect(query.faults.isEmpty)
        #expect(query.ttl == nil && query.stale == nil && query.acks == nil && query.refresh == nil)
        #expect(query.wait == 0 && query.limit == CacheQuery.limitDefault && !query.all && query.tags.isEmpty)
    }

    @Test(arguments: [
        ("ttl=", "ttl"), ("ttl=0s", "ttl"), ("ttl=5", "ttl"), ("ttl=-1s", "ttl"), ("ttl=36501d", "ttl"),
        ("stale=5s", "stale"), ("refresh=1s&wait=61s", "wait"), ("wait=1s", "wait"), ("wait=0s", "wait"),
        ("refresh=0s", "refresh"), ("refresh=11m", "refresh"),
        ("acks=5", "acks"), ("acks=x", "acks"), ("acks=", "acks"), ("limit=0", "limit"), ("limit=1001", "limit"),
        ("limit=99999999999999999999", "limit"), ("tags=", "tags"), ("tags=a,,b", "tags"), ("all=false", "all"),
        ("consistency=strong", "consistency"), ("tag=", "tag"), ("ttl=1s&ttl=1s", "ttl"), ("tll=1s", "tll"),
        ("a%zz=1", "?"), ("ttl=%", "?"),
    ])
    func whatCannotBeIsAFaultOfItsParameter(text: String, parameter: String) {
        let faults = read(text).faults
        #expect(faults.map(\.place) == [.parameter(parameter)], "\(text): \(faults)")
    }

    @Test func allFaultsAreToldAtOnce() {
        #expect(read("ttl=x&acks=9&limit=0&nothing=1").faults.count == 4)
    }

    @Test func aRouteTakesItsOwnParametersOnly() {
        #expect(read("ttl=1s", [.limit]).faults.map(\.place) == [.parameter("ttl")])
    }

    @Test func thirtyTwoTagsAreTheMost() {
        let tags = (1...33).map { "t\($0)" }
        #expect(read("tags=" + tags.prefix(32).joined(separator: ",")).faults.isEmpty)
        #expect(read("tags=" + tags.joined(separator: ",")).faults.count == 1)
    }
}

@Suite struct KeyspacePositionTests {
    @Test func aCursorComesBackAsWhatItWasAndNoOtherTextIsOne() throws {
        var random = SystemRandom()
        let secret = HashSecret(using: &random)
        let position = KeyspacePosition(loop: 3, cursor: ScanCursor(partition: 1_023, hash: .max))
        let text = Array(position.text(secret: secret).utf8)
        #expect(KeyspacePosition(cursor: text, secret: secret) == position)
        for index in text.indices {
            for digit in Array("0123456789abcdef".utf8) where digit != text[index] {
                var forged = text
                forged[index] = digit
                #expect(KeyspacePosition(cursor: forged, secret: secret) == nil)
            }
        }
        #expect(KeyspacePosition(cursor: Array(text.dropLast()), secret: secret) == nil)
        #expect(KeyspacePosition(cursor: text, secret: HashSecret(using: &random)) == nil)
    }
}
