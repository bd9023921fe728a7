import Reactor
import Testing

@testable import Node

@Suite struct TokenTableTests {
    private func faults(_ text: String) -> [String] {
        do throws(TokenFaults) {
            _ = try TokenTable.entries(in: text.utf8.span)
            return []
        } catch {
            return error.faults.map { "\($0.pointer): \($0.message)" }
        }
    }

    private static let digest = SHA256Digest(of: "abc".utf8.span).hex

    @Test func digestsAreThoseOfTheStandard() {
        // FIPS 180-2, appendix B.1.
        #expect(Self.digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test func everyMemberIsRead() throws {
        let entries = try TokenTable.entries(
            in: """
                [{"name":"web","sha256":"\(Self.digest)","roles":["read","write","jobs","admin"],
                  "keys":["app:*","x"],"queues":["mail"],"rate":{"perSecond":100,"burst":200}}]
                """.utf8.span)
        let token = Token(try #require(entries.first))
        #expect(token.name == "web")
        #expect(token.roles == .everything)
        #expect(token.permits(key: "app:1".utf8.span) && token.permits(key: "x".utf8.span))
        #expect(!token.permits(key: "xy".utf8.span) && !token.permits(key: "".utf8.span))
        #expect(token.permits(queue: "mail".utf8.span) && !token.permits(queue: "mails".utf8.span))
        #expect(token.limiter?.limit == RateLimit(perSecond: 100, burst: 200))
    }

    @Test func whatIsNotSaidIsNotBound() throws {
        let entries = try TokenTable.entries(
            in: #"[{"name":"a","sha256":"\#(Self.digest)","roles":["read"]}]"#.utf8.span)
        let token = Token(try #require(entries.first))
        #expect(token.roles == [.open, .authenticated, .read])
        #expect(token.hasAllKeys && token.isPlain && token.permits(queue: "any".utf8.span))
    }

    @Test func anEmptyListOfKeysIsNone() throws {
        let entries = try TokenTable.entries(
            in: #"[{"name":"a","sha256":"\#(Self.digest)","roles":["jobs"],"keys":[]}]"#.utf8.span)
        let token = Token(try #require(entries.first))
        #expect(!token.hasAllKeys && !token.permits(key: "k".utf8.span))
    }

    @Test func everyFaultIsReportedAtOnceWithItsPlace() {
        let found = faults(
            """
            [{"name":"a b","sha256":"AB","roles":["reader"],"keys":[""],"rate":{"perSecond":0}},
             {"sha256":"\(Self.digest)","roles":[],"colour":1},
             {"name":"n","sha256":"\(Self.digest)","roles":["read"]},
             {"name":"n","sha256":"\(Self.digest.uppercased())","roles":["read"]}]
            """)
        let pointers = found.map { $0.prefix { $0 != ":" } }
        #expect(
            pointers == [
                "/0/name", "/0/sha256", "/0/roles/0", "/0/keys/0", "/0/rate/burst", "/0/rate/perSecond", "/1/name",
                "/1/roles", "/1/colour", "/2/sha256", "/3/name", "/3/sha256",
            ], "\(found)")
    }

    @Test func aTokenThatStandsInPlaceOfItsDigestIsNotRepeated() {
        let found = faults(#"[{"name":"a","sha256":"tribe_secret","roles":["read"]}]"#)
        #expect(found.count == 1 && !found[0].contains("secret"), "\(found)")
    }

    @Test(arguments: ["", "{}", "[", "null", #"["x"]"#, "[{}] x"])
    func whatIsNoListOfTokensIsRefused(text: String) {
        #expect(!faults(text).isEmpty)
    }

    @Test func twoTokensAreValidAtOnceWhileOneTakesThePlaceOfTheOther() {
        let (old, new) = (TestTokens.entry("old", [.read]), TestTokens.entry("new", [.read]))
        let table = TokenTable([old, new])
        #expect(table.token(presented: TestTokens.text("old").utf8.span)?.name == "old")
        #expect(table.token(presented: TestTokens.text("new").utf8.span)?.name == "new")
        let next = TokenTable([new], former: table)
        #expect(next.token(presented: TestTokens.text("old").utf8.span) == nil)
        #expect(next.tokens[0] === table.tokens[1], "what has not changed is the same")
    }

    @Test func aTokenWithOtherRightsIsAnotherOneThatKeepsItsRate() {
        let rate = RateLimit(perSecond: 1, burst: 1)
        let table = TokenTable([TestTokens.entry("a", [.read], rate: rate)])
        let next = TokenTable([TestTokens.entry("a", [.read, .write], rate: rate)], former: table)
        #expect(next.tokens[0] !== table.tokens[0])
        #expect(next.tokens[0].limiter === table.tokens[0].limiter)
    }

    @Test(arguments: ["", "tribe_test_", "tribe_test_ol", "tribe_test_old ", "TRIBE_TEST_OLD"])
    func nothingButTheWholeTokenIsIt(text: String) {
        let table = TokenTable([TestTokens.entry("old", [.read])])
        #expect(table.token(presented: text.utf8.span) == nil)
    }

    @Test func newTokensAreOfTheirFormAndNeverTheSame() {
        var random = SystemRandom()
        let tokens = (0..<100).map { _ in TokenNewCommand.makeToken(using: &random) }
        #expect(Set(tokens).count == 100)
        for token in tokens {
            #expect(token.wholeMatch(of: /tribe_[A-Za-z0-9_-]{43}/) != nil, "\(token)")
        }
    }

    @Test func theLineOfANewTokenIsReadAsItsEntry() throws {
        let entry = TokenEntry(
            name: "web", digest: SHA256Digest(of: "abc".utf8.span), roles: [.read, .jobs], keys: ["a:*", "\"\\"],
            queues: ["mail"], rate: RateLimit(perSecond: 3, burst: 4))
        let line = TokenNewCommand.line(entry)
        #expect(!line.contains("\n"))
        #expect(try TokenTable.entries(in: "[\(line)]".utf8.span) == [entry])
    }
}
