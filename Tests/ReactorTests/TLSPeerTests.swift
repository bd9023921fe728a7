import TestSupport
import Testing

@testable import Reactor

/// Links between nodes: pre-shared secrets in place of certificates.
@Suite struct TLSPeerTests {
    private static let old = "an old secret of the cluster"
    private static let new = "a new secret of the cluster"

    private func makePair(client: [String], server: [String], secret: Int = 0) throws -> TLSPair {
        TLSPair(
            client: TLSEngine(.peer(.client, try TLSSecrets(name: "n1", secrets: client)), secret: secret),
            server: TLSEngine(.peer(.server, try TLSSecrets(name: "n2", secrets: server))))
    }

    @Test(arguments: [1, 5, 100, Int.max]) func twoThatKnowASecretKnowEachOther(piece: Int) throws {
        let pair = try makePair(client: [Self.old], server: [Self.old])
        pair.exchange(piece: piece)
        #expect(pair.states == [.established, .established])
        #expect(pair.server.engine.peerName == "n1")
        #expect(pair.server.engine.version == "TLSv1.3")
        pair.client.send("HELLO")
        pair.server.send("HELLO too")
        pair.exchange(piece: piece)
        #expect(pair.server.text == "HELLO")
        #expect(pair.client.text == "HELLO too")
    }

    @Test func aWrongSecretIsRefused() throws {
        let pair = try makePair(client: [Self.old], server: [Self.new])
        pair.exchange()
        for state in pair.states {
            guard case .failed(.connection) = state else {
                Issue.record("\(state)")
                continue
            }
        }
        pair.client.send("anything")
        pair.exchange()
        #expect(pair.server.received.isEmpty)
        #expect(pair.server.engine.peerName == nil)
    }

    /// Client's secrets, server's secrets, and whether the first and the second of the client's is accepted.
    @Test(arguments: [
        ([old, new], [old], [true, false]),
        ([old, new], [old, new], [true, true]),
        ([new, old], [old, new], [true, true]),
        ([new, old], [old], [false, true]),
        ([new], [new, old], [true, true]),
    ])
    func whileSecretsAreReplacedBothAreGood(client: [String], server: [String], accepted: [Bool]) throws {
        for (place, isAccepted) in accepted.enumerated() {
            let pair = try makePair(client: client, server: server, secret: place)
            pair.exchange()
            #expect((pair.server.engine.state == .established) == isAccepted, "secret \(place)")
            #expect((pair.client.engine.state == .established) == isAccepted, "secret \(place)")
        }
    }

    @Test func aRecordedSessionIsWorthNothing() throws {
        let secrets = try TLSSecrets(name: "n2", secrets: [Self.old])
        let pair = try makePair(client: [Self.old], server: [Self.old])
        let hello = pair.client.takeOutput()
        pair.server.take(hello)
        pair.client.take(pair.server.takeOutput())
        pair.client.send("DEL a")
        let rest = pair.client.takeOutput()
        pair.server.take(rest)
        #expect(pair.server.text == "DEL a")

        let another = TLSPair.End(TLSEngine(.peer(.server, secrets)))
        another.take(hello + rest)
        #expect(another.received.isEmpty)
        guard case .failed(.connection) = another.engine.state else {
            Issue.record("\(another.engine.state)")
            return
        }
    }

    @Test func anAlteredHelloIsRefusedWhereverItIsAltered() throws {
        let count = try makePair(client: [Self.old], server: [Self.old]).client.output.remaining
        // The version in a record's header says nothing (RFC 8446 §5.1).
        for place in 0..<count where place != 1 && place != 2 {
            let pair = try makePair(client: [Self.old], server: [Self.old])
            var hello = pair.client.takeOutput()
            hello[place] ^= 0x01
            pair.server.take(hello)
            pair.exchange()
            #expect(pair.server.engine.state != .established, "byte \(place)")
            #expect(pair.client.engine.state != .established, "byte \(place)")
        }
    }

    @Test func aPeerThatShowsACertificateIsRefused() throws {
        let files = try TestCertificate()
        let context = try TLSContext.load(
            TLSCertificateFiles(certificate: files.certificate, key: files.key), minVersion: .tls12)
        let secrets = try TLSSecrets(name: "n1", secrets: [Self.old])
        let pair = TLSPair(client: TLSEngine(.peer(.client, secrets)), server: TLSEngine(context))
        pair.exchange()
        #expect(pair.client.engine.state != .established)
        #expect(pair.server.engine.state != .established)
    }

    @Test func aClientWithoutASecretIsRefused() throws {
        let secrets = try TLSSecrets(name: "n1", secrets: [Self.old])
        let pair = TLSPair(
            client: TLSEngine(try .client(minVersion: .tls12)), server: TLSEngine(.peer(.server, secrets)))
        pair.exchange()
        #expect(pair.client.engine.state != .established)
        #expect(pair.server.engine.state != .established)
    }

    @Test(arguments: 0..<100) func randomBytesGetNoAnswerButAnAlert(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let end = TLSPair.End(TLSEngine(.peer(.server, try TLSSecrets(name: "n1", secrets: [Self.old]))))
        end.take((0..<Int.random(in: 1...2_000, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) })
        #expect(end.engine.state != .established)
        // An alert is a record of type 21 with two bytes in it.
        let answer = end.takeOutput()
        #expect(answer.isEmpty || (answer.count == 7 && answer[0] == 21), "seed \(seed): \(answer)")
    }

    @Test(arguments: [[], ["too short"], [old, "x"]]) func secretsThatCanBeGuessedAreRefused(secrets: [String]) {
        #expect(throws: TLSFault.self) { try TLSSecrets(name: "n1", secrets: secrets) }
    }
}
