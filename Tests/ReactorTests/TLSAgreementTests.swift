import COpenSSL
import TestSupport
import Testing

@testable import Reactor

/// What the two sides agree on beside the keys: the protocol within, and sessions to resume.
@Suite struct TLSAgreementTests {
    private let files: TestCertificate
    private let server: TLSContext
    private let client: TLSContext

    init() throws {
        files = try TestCertificate()
        server = try TLSContext.load(
            TLSCertificateFiles(certificate: files.certificate, key: files.key), minVersion: .tls12)
        client = try TLSContext.client(trusting: files.certificate, minVersion: .tls12)
    }

    // MARK: Protocols

    @Test func aClientThatSpeaksHTTP1IsAgreedWith() {
        let pair = TLSPair(
            client: TLSEngine(client, applicationProtocol: .http1, serverName: "localhost"),
            server: TLSEngine(server, applicationProtocol: .http1))
        pair.exchange()
        #expect(pair.client.engine.agreedProtocol == .http1)
        #expect(pair.server.engine.agreedProtocol == .http1)
    }

    @Test func aServerThatNamesNoProtocolLeavesItOpen() {
        let pair = TLSPair(
            client: TLSEngine(client, applicationProtocol: .http1, serverName: "localhost"), server: TLSEngine(server))
        pair.exchange()
        #expect(pair.states == [.established, .established])
        #expect(pair.client.engine.agreedProtocol == nil)
    }

    @Test func aClientThatNamesNoneIsTakenAsItIs() {
        let pair = TLSPair(
            client: TLSEngine(client, serverName: "localhost"), server: TLSEngine(server, applicationProtocol: .http1))
        pair.exchange()
        #expect(pair.states == [.established, .established])
    }

    /// The names with a byte of length before each.
    @Test(arguments: [(["h2", "http/1.1"], true), (["h2"], false), (["http/1.0", "h2"], false)])
    func ofSeveralProtocolsOursIsChosen(names: [String], isAgreed: Bool) {
        let engine = TLSEngine(client, serverName: "localhost")
        let list = names.flatMap { [UInt8($0.utf8.count)] + $0.utf8 }
        #expect(unsafe SSL_set_alpn_protos(engine.ssl, list, UInt32(list.count)) == 0)
        let pair = TLSPair(client: engine, server: TLSEngine(server, applicationProtocol: .http1))
        pair.exchange()
        #expect((pair.client.engine.agreedProtocol == .http1) == isAgreed)
        if !isAgreed {
            #expect(
                pair.client.engine.state == .failed(.connection(reason: "tlsv1 alert no application protocol")))
        }
    }

    // MARK: Sessions

    /// A session that a first connection to `context` has given to its client.
    private func makeSession(_ context: TLSContext) throws -> OpaquePointer {
        let pair = TLSPair(client: TLSEngine(client, serverName: "localhost"), server: TLSEngine(context))
        pair.exchange()
        #expect(!pair.server.engine.isResumed)
        // The session of a connection that ends otherwise is void.
        pair.client.engine.close(into: pair.client.output)
        return unsafe try #require(SSL_get1_session(pair.client.engine.ssl))
    }

    private func isResumed(_ session: OpaquePointer, by context: TLSContext) -> Bool {
        let engine = TLSEngine(client, serverName: "localhost")
        OpenSSLErrors.must(unsafe SSL_set_session(engine.ssl, session), "SSL_set_session")
        let pair = TLSPair(client: engine, server: TLSEngine(context))
        pair.exchange()
        #expect(pair.states == [.established, .established])
        #expect(pair.client.engine.isResumed == pair.server.engine.isResumed)
        return pair.server.engine.isResumed
    }

    @Test func aSessionIsResumed() throws {
        let session = unsafe try makeSession(server)
        defer { unsafe SSL_SESSION_free(session) }
        #expect(unsafe isResumed(session, by: server))
    }

    @Test func aSessionSurvivesAnotherCertificate() throws {
        let session = unsafe try makeSession(server)
        defer { unsafe SSL_SESSION_free(session) }
        let other = try TestCertificate()
        let keys = try #require(server.ticketKeys)
        let next = try TLSContext.load(
            TLSCertificateFiles(certificate: other.certificate, key: other.key), minVersion: .tls12
        ).with(keys)
        #expect(unsafe isResumed(session, by: next))
    }

    @Test func aTicketIsGoodUntilItsKeyIsTheFourth() throws {
        let session = unsafe try makeSession(server)
        defer { unsafe SSL_SESSION_free(session) }
        var keys = try #require(server.ticketKeys)
        keys = keys.rotated()
        let second = server.with(keys)
        keys = keys.rotated()
        let third = server.with(keys)
        keys = keys.rotated()
        let fourth = server.with(keys)
        let results = [second, third, fourth].map { unsafe isResumed(session, by: $0) }
        #expect(results == [true, true, false])
    }

    @Test func aTicketOfSomebodyElseMeansAFullHandshake() throws {
        let other = try TLSContext.load(
            TLSCertificateFiles(certificate: files.certificate, key: files.key), minVersion: .tls12)
        let session = unsafe try makeSession(other)
        defer { unsafe SSL_SESSION_free(session) }
        #expect(unsafe !isResumed(session, by: server))
    }
}
