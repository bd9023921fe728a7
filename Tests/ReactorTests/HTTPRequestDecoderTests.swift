import Foundation
import Reactor
import Testing

@Suite struct HTTPRequestDecoderTests {
    private func last(_ text: String) -> String {
        let lines = transcript(of: Array(text.utf8), cuts: [])
        return String(lines.split(separator: "\n").last ?? "")
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\n", "400 bare_line_break"), ("GET / HTTP/1.1\rX", "400 bare_line_break"),
        ("\rX", "400 bare_line_break"), ("\n", "400 bare_line_break"), ("GET\n", "400 bare_line_break"),
        ("GET\r", "400 request_line_malformed"), ("PING\r", "400 request_line_malformed"),
        ("*3\r", "400 resp_on_http_port"), ("\u{16}", "400 tls_on_plain_port"),
        ("\t", "400 leading_whitespace"), ("\r\n\r", "400 leading_whitespace"), ("\r\n ", "400 leading_whitespace"),
        ("@", "400 method_malformed"), ("G\0", "400 method_malformed"), ("GET \u{7F}", "400 target_malformed"),
        ("GET /\r", "505 version_missing"), ("GET /\n", "400 bare_line_break"), ("GET / \r", "400 version_malformed"),
        ("GET / HTTP/1.1 ", "400 version_malformed"), ("GET / HTTP/1.\r", "400 version_malformed"),
        ("GET / HTTP/3", "505 version_unsupported"), ("GET / HTTP/1.9", "505 version_unsupported"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 version_unsupported"),
        ("TRACE / HTTP/1.1\r\n", "501 method_unsupported"), ("CONNECT a:1 HTTP/1.1\r\n", "501 method_unsupported"),
        ("GET * HTTP/1.1\r\n", "400 target_form_unsupported"),
        ("OPTIONS ** HTTP/1.1\r\n", "400 target_form_unsupported"),
        ("GET a:80 HTTP/1.1\r\n", "400 target_form_unsupported"),
        ("GET a HTTP/1.1\r\n", "400 target_form_unsupported"),
        ("GET http:/a HTTP/1.1\r\n", "400 target_form_unsupported"),
        ("GET http:///a HTTP/1.1\r\n", "400 target_form_unsupported"),
        ("GET http://u@a/ HTTP/1.1\r\n", "400 target_form_unsupported"),
        ("GET https://a/ HTTP/1.1\r\n", "400 target_form_unsupported"),
    ])
    func requestLinesAreRefusedAtTheByteThatSpoilsThem(text: String, fault: String) {
        #expect(last(text) == "fault " + fault)
        let before = text.unicodeScalars.dropLast()
        #expect(last(String(String.UnicodeScalarView(before))).hasPrefix("fault") == text.hasPrefix("PRI"))
    }

    @Test(arguments: [
        "", " ", "a b", "a,b", "a/", "a:", "a:0", "a:65536", "a:123456", "a:8o", "a:80:80", ":80", "a@b", "a%41", "ä",
        "[", "[]", "[::1", "[1]", "[::1]80", "[::g]", "[fe80::1%25eth0]", "http://a", "\"a\"",
    ])
    func malformedHostsAreRefused(host: String) {
        #expect(last("GET / HTTP/1.1\r\nHost: \(host)\r\n") == "fault 400 host_malformed")
    }

    @Test func aFaultIsRepeatedWhateverFollows() {
        var decoder = HTTPRequestDecoder(limits: HTTPLimits())
        let head = HTTPRequestHead()
        for text in ["GET / HTTP/1.1\n", "", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"] {
            var fault: HTTPFault?
            do throws(HTTPFault) {
                _ = try decoder.next(Array(text.utf8).span, into: head)
            } catch {
                fault = error
            }
            #expect(fault == .bareLineBreak)
        }
    }

    @Test func anIncompleteHeadLeavesTheHeadObjectAlone() throws {
        var decoder = HTTPRequestDecoder(limits: HTTPLimits())
        let head = HTTPRequestHead()
        let first = Array("GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: b\r\n".utf8)
        let (event, consumed) = try decoder.next(first.span, into: head)
        #expect(event == .head && !decoder.isMidRequest)
        let (next, none) = try decoder.next(first.span.extracting(droppingFirst: consumed), into: head)
        #expect(next == .incomplete && none == 0 && decoder.isMidRequest)
        #expect(text(head.path) == "/first")
    }

    @Test func aHeadIsReadIntoWhicheverObjectIsGivenWhenItEnds() throws {
        var decoder = HTTPRequestDecoder(limits: HTTPLimits())
        let (parked, fresh) = (HTTPRequestHead(), HTTPRequestHead())
        let bytes = Array("PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx".utf8)
        _ = try decoder.next(bytes.span.extracting(first: 20), into: parked)
        let (event, consumed) = try decoder.next(bytes.span, into: fresh)
        #expect(event == .head && consumed == bytes.count - 1)
        #expect(text(fresh.target) == "/k" && fresh.body == .length(1) && parked.fieldCount == 0)
    }

    @Test func fieldsAreFoundByNameInTheOrderOfTheRequest() throws {
        var decoder = HTTPRequestDecoder(limits: HTTPLimits())
        let head = HTTPRequestHead()
        let bytes = Array("GET / HTTP/1.1\r\nX: 0\r\nACCEPT: 1\r\nHost: a\r\naccept: 2\r\n\r\n".utf8)
        _ = try decoder.next(bytes.span, into: head)
        #expect(head.position(of: .accept) == 1 && head.position(of: .accept, from: 2) == 3)
        #expect(head.position(of: .accept, from: 4) == nil && head.position(of: .cookie) == nil)
        #expect(head.count(of: .accept) == 2 && head.count(of: .cookie) == 0)
    }

    @Test(arguments: HTTPFieldName.allCases)
    func everyKnownNameIsRecognisedInAnyCase(name: HTTPFieldName) {
        for spelling in [name.spelling, name.spelling.uppercased(), name.spelling.capitalized] {
            #expect(HTTPFieldName(Array(spelling.utf8).span) == name)
        }
        for spelling in [name.spelling + "x", "x" + name.spelling, String(name.spelling.dropLast())] {
            #expect(HTTPFieldName(Array(spelling.utf8).span) == nil)
        }
    }

    @Test(arguments: HTTPFieldName.allCases)
    func noKnownNameIsATrailer(name: HTTPFieldName) {
        let head = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
        #expect(last(head + "\(name.spelling): x\r\n") == "fault 400 trailer_forbidden")
        #expect(last(head + "X-\(name.spelling): x\r\n\r\n") == "idle")
    }

    @Test func everyFaultHasItsOwnWords() {
        let codes = HTTPFault.allCases.map(\.code)
        #expect(Set(codes).count == codes.count)
        #expect(codes.allSatisfy { $0.wholeMatch(of: /[a-z0-9]+(_[a-z0-9]+)*/) != nil })
        #expect(Set(HTTPFault.allCases.map(\.detail)).count == codes.count)
        #expect(HTTPFault.allCases.allSatisfy { $0.detail.hasSuffix(".") && $0.detail.count < 110 })
        #expect(Set(HTTPFault.allCases.map(\.status)) == [400, 414, 417, 431, 501, 505])
    }

    private func text(_ bytes: Span<UInt8>) -> String {
        String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
    }
}
