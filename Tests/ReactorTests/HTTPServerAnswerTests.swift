import TestSupport
import Testing

@testable import Reactor

/// What an answer looks like on the wire.
@Suite struct HTTPServerAnswerTests {
    private static let ways = ["/now", "/kept", "/lent", "/blob", "/empty", "/stream"]

    /// Answers at once, later, from another loop, by reference, with nothing, or in pieces.
    private static func server(limits: (inout HTTPServerLimits) -> Void = { _ in }) throws -> HTTPTestServer {
        let others = Monitor<[EventLoop]>([])
        let server = try HTTPTestServer(loops: 2, limits: limits) { exchange, body in
            switch exchange.pathText {
            case "/kept": exchange.loop.execute { exchange.answer("text") }
            case "/lent":
                exchange.lend(to: others.now[1 - exchange.loop.index], body: body) { $0.answer("text") }
            case "/blob": exchange.respond(.ok).finish(body: Blob(copying: "text".utf8.span))
            case "/empty": exchange.respond(.ok).finish()
            case "/204": exchange.respond(.noContent).finish()
            case "/304": exchange.respond(.notModified).finish()
            case "/stream":
                let stream = exchange.respond(.ok).stream()
                for piece in ["te", "", "xt"] { stream.send(piece.utf8.span) }
                stream.finish()
            default: exchange.answer("text")
            }
        }
        others.withLock { $0 = server.group.loops }
        return server
    }

    @Test(arguments: ways)
    func headHasTheFieldsOfGetAndNeverABody(_ path: String) throws {
        let client = try Self.server().client()
        try client.send(get(path) + "HEAD \(path) HTTP/1.1\r\nHost: test\r\n\r\n" + get("/now"))
        let whole = try client.answer()
        let head = try client.answer(to: "HEAD")
        #expect(whole.text == (path == "/empty" ? "" : "text"))
        #expect(head.status == whole.status)
        #expect(head.fields.map(\.name) == whole.fields.map(\.name))
        #expect(head["content-length"] == whole["content-length"])
        #expect(head["transfer-encoding"] == whole["transfer-encoding"])
        // What follows is the next answer, so there was no body.
        #expect(try client.answer().text == "text")
    }

    @Test(arguments: ["/204", "/304"], ["GET", "HEAD"])
    func answersWithoutContentHaveNoLength(_ path: String, _ method: String) throws {
        let client = try Self.server().client()
        try client.send("\(method) \(path) HTTP/1.1\r\nHost: test\r\n\r\n" + get("/now"))
        let answer = try client.answer(to: method)
        #expect(answer.status == Int(path.dropFirst()))
        #expect(answer["content-length"] == nil)
        #expect(answer["transfer-encoding"] == nil)
        #expect(try client.answer().text == "text")
    }

    @Test(arguments: ways)
    func everyAnswerHasItsDateAndTheNameOfItsRequest(_ path: String) throws {
        let client = try Self.server().client()
        try client.send(get(path) + get(path, "X-Request-Id: mine-1\r\n") + get(path, "X-Request-Id: not mine\r\n"))
        let (made, given, refused) = (try client.answer(), try client.answer(), try client.answer())
        for answer in [made, given, refused] {
            #expect(answer.version == "HTTP/1.1")
            #expect(answer["date"]?.hasSuffix(" GMT") == true)
            #expect(answer["connection"] == nil)
        }
        #expect(given["x-request-id"] == "mine-1")
        #expect(made["x-request-id"]?.count == 36)
        #expect(refused["x-request-id"]?.count == 36)
        #expect(refused["x-request-id"] != made["x-request-id"])
    }

    @Test(arguments: ways)
    func http10EndsAfterOneAnswer(_ path: String) throws {
        let client = try Self.server().client()
        try client.send("GET \(path) HTTP/1.0\r\n\r\n")
        let answer = try client.answer()
        #expect(answer["connection"] == "close")
        #expect(answer["transfer-encoding"] == nil)
        #expect(answer.text == (path == "/empty" ? "" : "text"))
        #expect(try client.rest() == [])
    }

    @Test(arguments: ways.filter { $0 != "/stream" })
    func http10GoesOnIfItAsksTo(_ path: String) throws {
        let client = try Self.server().client()
        for _ in 0..<3 {
            try client.send("GET \(path) HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            let answer = try client.answer()
            #expect(answer["connection"] == "keep-alive")
            #expect(answer.text == (path == "/empty" ? "" : "text"))
        }
    }

    /// HTTP/1.0 knows no chunks: only the end of the connection can end a stream.
    @Test func aStreamOverHTTP10IsEndedByTheConnectionAndSaysSo() throws {
        let client = try Self.server().client()
        try client.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        let answer = try client.answer()
        #expect(answer.text == "text")
        #expect(answer["content-length"] == nil)
        #expect(answer["connection"] == "close")
        #expect(try client.rest() == [])
    }

    @Test(arguments: ways + ["/204"])
    func closeAskedForIsSaidAndDone(_ path: String) throws {
        let client = try Self.server().client()
        try client.send(get(path, "Connection: close\r\n") + get("/now"))
        let answer = try client.answer()
        #expect(answer["connection"] == "close")
        #expect(try client.rest() == [])
    }
}
