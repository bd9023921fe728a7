import TestSupport
import Testing

@testable import Reactor

@Suite struct TLSEngineTests {
    private static let files = Result { try TestCertificate() }
    private let server: TLSContext
    private let client: TLSContext

    init() throws {
        let files = try Self.files.get()
        server = try TLSContext.load(
            TLSCertificateFiles(certificate: files.certificate, key: files.key), minVersion: .tls12)
        client = try TLSContext.client(trusting: files.certificate, minVersion: .tls12)
    }

    private func makePair(_ serverProtocol: TLSApplicationProtocol? = nil) -> TLSPair {
        TLSPair(
            client: TLSEngine(client, serverName: "localhost"),
            server: TLSEngine(server, applicationProtocol: serverProtocol))
    }

    @Test func bothSidesAgreeOnTheNewestVersion() {
        let pair = makePair()
        pair.exchange()
        #expect(pair.states == [.established, .established])
        #expect(pair.client.engine.version == "TLSv1.3")
        #expect(pair.server.engine.cipher == "TLS_AES_128_GCM_SHA256")
        #expect(!pair.server.engine.isResumed)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 11, 64, 255])
    func theStreamMayBeCutIntoPieces(piece: Int) {
        let pair = makePair()
        pair.exchange(piece: piece)
        #expect(pair.states == [.established, .established])
        pair.client.send("GET")
        pair.server.send("value")
        pair.exchange(piece: piece)
        #expect(pair.server.text == "GET")
        #expect(pair.client.text == "value")
    }

    @Test func theFirstFlightMayBeCutAnywhere() {
        let count = makePair().client.output.remaining
        for cut in 1..<count {
            let pair = makePair()
            let hello = pair.client.takeOutput()
            pair.server.take(Array(hello.prefix(cut)))
            #expect(pair.server.engine.state == .handshaking)
            pair.server.take(Array(hello.dropFirst(cut)))
            pair.exchange()
            #expect(pair.states == [.established, .established], "cut at \(cut)")
        }
    }

    @Test func theAnswerToItMayBeCutAnywhere() {
        var cut = 1
        while true {
            let pair = makePair()
            pair.server.take(pair.client.takeOutput())
            let answer = pair.server.takeOutput()
            guard cut < answer.count else { return }
            pair.client.take(Array(answer.prefix(cut)))
            pair.client.take(Array(answer.dropFirst(cut)))
            pair.exchange()
            #expect(pair.states == [.established, .established], "cut at \(cut)")
            // The length of a signature differs from one time to the next.
            cut += 7
        }
    }

    @Test(arguments: 0..<30) func whatIsSentIsReceivedHoweverItIsMadeUp(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let pair = makePair()
        pair.exchange()
        var expected: [UInt8] = []
        for _ in 0..<4 {
            let plain = OutputBuffer()
            for _ in 0..<Int.random(in: 1...80, using: &random) {
                let isLarge = Int.random(in: 0..<8, using: &random) == 0
                let piece = (0..<Int.random(in: 0...(isLarge ? 70_000 : 300), using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                if Bool.random(using: &random) {
                    plain.append(piece)
                } else {
                    plain.append(Blob(copying: piece.span))
                }
                expected += piece
            }
            pair.server.send(plain, max: Int.random(in: 1...200_000, using: &random))
            #expect(plain.isEmpty)
            pair.exchange(piece: Int.random(in: 1_000...100_000, using: &random))
        }
        #expect(pair.client.received == expected, "seed \(seed)")
    }

    @Test func smallPiecesShareFullRecords() {
        let pair = makePair()
        pair.exchange()
        let plain = OutputBuffer()
        for _ in 0..<30 {
            plain.append(Array(repeating: 1, count: 1_000))
            plain.append(Blob(copying: Array(repeating: 2, count: 1_000).span))
        }
        pair.server.send(plain)
        let overhead = 22
        #expect(Self.recordLengths(pair.server.takeOutput()) == [16_384, 16_384, 16_384, 10_848].map { $0 + overhead })
    }

    @Test func aLongValueIsSentFromWhereItLies() {
        let pair = makePair()
        pair.exchange()
        let plain = OutputBuffer()
        plain.append("head")
        plain.append(Blob(copying: Array(repeating: 2, count: 40_000).span))
        pair.server.send(plain)
        let records = Self.recordLengths(pair.server.takeOutput())
        #expect(records.count == 3)
        #expect(records.prefix(2) == [16_406, 16_406])
    }

    /// Of the records in `bytes`, header included.
    private static func recordLengths(_ bytes: [UInt8]) -> [Int] {
        var lengths: [Int] = []
        var place = 0
        while place < bytes.count {
            let length = 5 + Int(bytes[place + 3]) << 8 + Int(bytes[place + 4])
            lengths.append(length)
            place += length
        }
        return lengths
    }
}

// MARK: - Ends and faults

extension TLSEngineTests {
    @Test func closeNotifyEndsOneDirection() {
        let pair = makePair()
        pair.exchange()
        pair.client.send("last")
        pair.client.engine.close(into: pair.client.output)
        pair.exchange()
        #expect(pair.server.engine.state == .ended)
        #expect(pair.server.text == "last")
        pair.server.engine.receiveEnd()
        #expect(pair.server.engine.state == .ended)
        pair.server.send("answer")
        pair.exchange()
        #expect(pair.client.text == "answer")
    }

    @Test func whatComesAfterCloseNotifyIsNothing() {
        let pair = makePair()
        pair.exchange()
        pair.client.engine.close(into: pair.client.output)
        pair.server.take(pair.client.takeOutput() + [1, 2, 3])
        #expect(pair.server.engine.state == .ended)
        pair.server.take([4])
        #expect(pair.server.received.isEmpty)
    }

    @Test func anEndWithoutCloseNotifyIsATruncation() {
        let pair = makePair()
        pair.server.engine.receiveEnd()
        #expect(pair.server.engine.state == .failed(.truncated))
        let established = makePair()
        established.exchange()
        established.server.engine.receiveEnd()
        #expect(established.server.engine.state == .failed(.truncated))
    }

    @Test func aRecordThatWasAlteredEndsTheConnection() {
        let pair = makePair()
        pair.exchange()
        pair.client.send("DEL a")
        var bytes = pair.client.takeOutput()
        bytes[bytes.count - 3] ^= 1
        pair.server.take(bytes)
        #expect(pair.server.received.isEmpty)
        #expect(pair.server.engine.state == .failed(.connection(reason: "decryption failed or bad record mac")))
        // The alert tells the client.
        pair.exchange()
        #expect(pair.client.engine.state == .failed(.connection(reason: "sslv3 alert bad record mac")))
        pair.server.send("nothing")
        #expect(pair.server.output.isEmpty)
    }

    @Test func whatIsNoTLSIsRefused() {
        let pair = makePair()
        pair.server.take([0x16, 0x03, 0x01, 0x00, 0x05, 1, 2, 3, 4, 5])
        guard case .failed(.connection) = pair.server.engine.state else {
            Issue.record("\(pair.server.engine.state)")
            return
        }
    }

    /// A client hello of TLS 1.0 to 1.2 without extensions (RFC 5246 §7.4.1.2).
    private static func hello(minorVersion: UInt8) -> [UInt8] {
        let body: [UInt8] =
            [3, minorVersion] + Array(repeating: 7, count: 32) + [0] + [0, 4, 0xC0, 0x2F, 0xC0, 0x2B] + [1, 0]
        let message: [UInt8] = [1, 0, 0, UInt8(body.count)] + body
        return [0x16, 3, 1, 0, UInt8(message.count)] + message
    }

    @Test(arguments: [(UInt8(1), TLSVersion.tls12), (2, .tls12), (1, .tls13), (2, .tls13), (3, .tls13)])
    func aVersionBelowTheLowestIsRefused(minorVersion: UInt8, minVersion: TLSVersion) throws {
        let files = try Self.files.get()
        let context = try TLSContext.load(
            TLSCertificateFiles(certificate: files.certificate, key: files.key), minVersion: minVersion)
        let end = TLSPair.End(TLSEngine(context))
        end.take(Self.hello(minorVersion: minorVersion))
        #expect(end.engine.state == .failed(.connection(reason: "unsupported protocol")))
        // A fatal alert (2), protocol_version (70).
        #expect(end.takeOutput().suffix(2) == [2, 70])
    }

    @Test func aCertificateThatNobodyTrustsIsRefused() throws {
        let pair = TLSPair(
            client: TLSEngine(try TLSContext.client(minVersion: .tls12), serverName: "localhost"),
            server: TLSEngine(server))
        pair.exchange()
        let reason = "certificate verify failed: self-signed certificate"
        #expect(pair.client.engine.state == .failed(.connection(reason: reason)))
        #expect(pair.server.engine.state != .established)
    }

    @Test func aCertificateForAnotherNameIsRefused() {
        let pair = TLSPair(client: TLSEngine(client, serverName: "example.com"), server: TLSEngine(server))
        pair.exchange()
        let reason = "certificate verify failed: hostname mismatch"
        #expect(pair.client.engine.state == .failed(.connection(reason: reason)))
    }

    @Test func aServerWithAnRSAKeyIsTakenToo() throws {
        let files = try TestCertificate(.rsa)
        let context = try TLSContext.load(
            TLSCertificateFiles(certificate: files.certificate, key: files.key), minVersion: .tls12)
        let client = try TLSContext.client(trusting: files.certificate, minVersion: .tls12)
        let pair = TLSPair(client: TLSEngine(client, serverName: "localhost"), server: TLSEngine(context))
        pair.exchange(piece: 100)
        #expect(pair.states == [.established, .established])
    }
}
