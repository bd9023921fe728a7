import Reactor
import Testing

@Suite struct HTTPLimitsTests {
    private static let limits = HTTPLimits(headerMax: 100, fieldsMax: 3, uriMax: 20, trailerMax: 30)

    private func outcome(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let whole = transcript(of: bytes, cuts: [], limits: Self.limits)
        #expect(transcript(of: bytes, cuts: 0..<bytes.count, limits: Self.limits) == whole)
        return String(whole.split(separator: "\n").last ?? "")
    }

    @Test func defaultsAreThoseOfTheSettings() {
        let limits = HTTPLimits()
        #expect(limits.headerMax == 16_384 && limits.fieldsMax == 100)
        #expect(limits.uriMax == 8192 && limits.trailerMax == 4096)
    }

    @Test func aTargetOfUriMaxPassesAndOneByteMoreIsRefusedAtOnce() {
        #expect(outcome("GET /" + String(repeating: "a", count: 19) + " HTTP/1.1\r\nHost: a\r\n\r\n") == "idle")
        #expect(outcome("GET /" + String(repeating: "a", count: 19)) == "incomplete")
        #expect(outcome("GET /" + String(repeating: "a", count: 20)) == "fault 414 target_too_long")
    }

    @Test func aHeadOfHeaderMaxPassesAndIsRefusedAsSoonAsItCannotEndWithin() {
        let start = "GET / HTTP/1.1\r\nHost: a\r\nX: "
        let value = String(repeating: "x", count: 100 - start.utf8.count - 4)
        #expect(outcome(start + value + "\r\n\r\n") == "idle")
        #expect(outcome(start + value + "\r\n\r") == "incomplete")
        #expect(outcome(start + value + "x\r\n\r") == "fault 431 head_too_large")
        #expect(outcome(start + value + "xxxx") == "fault 431 head_too_large")
    }

    @Test func fieldsMaxFieldsPassAndTheNextIsRefusedAtItsFirstByte() {
        let fields = "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nX: 2\r\n"
        #expect(outcome(fields + "\r\n") == "idle")
        #expect(outcome(fields) == "incomplete")
        #expect(outcome(fields + "X") == "fault 431 fields_too_many")
    }

    @Test func trailersOfTrailerMaxPassAndAreRefusedAsSoonAsTheyCannotEndWithin() {
        let start = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: "
        let value = String(repeating: "x", count: 30 - 3 - 4)
        #expect(outcome(start + value + "\r\n\r\n") == "idle")
        #expect(outcome(start + value + "x\r\n\r") == "fault 431 trailers_too_large")
    }

    @Test func trailersHaveFieldsMaxToo() {
        let start = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
        #expect(outcome(start + "A: 1\r\nB: 2\r\nC: 3\r\n\r\n") == "idle")
        #expect(outcome(start + "A: 1\r\nB: 2\r\nC: 3\r\nD") == "fault 431 fields_too_many")
    }

    @Test func methodsLongerThanAnyAreRefusedBeforeTheyEnd() {
        #expect(outcome(String(repeating: "M", count: 24)) == "incomplete")
        #expect(outcome(String(repeating: "M", count: 25)) == "fault 501 method_unsupported")
    }

    @Test func chunkSizesHaveSixteenDigitsAndSixtyThreeBits() {
        let start = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(outcome(start + "0000000000000001\r\n") == "incomplete")
        #expect(outcome(start + "00000000000000001") == "fault 400 chunk_size_malformed")
        #expect(outcome(start + "7fffffffffffffff\r\n") == "incomplete")
        #expect(outcome(start + "8000000000000000\r") == "fault 400 chunk_size_too_large")
    }

    @Test func contentLengthHasSixtyThreeBits() {
        let start = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: "
        #expect(outcome(start + "9223372036854775807\r\n\r\n") == "incomplete")
        #expect(outcome(start + "9223372036854775808\r\n") == "fault 400 content_length_too_large")
        #expect(outcome(start + "99999999999999999999999999999999\r\n") == "fault 400 content_length_too_large")
    }

    @Test func aConnectionCarriesLittleBetweenRequests() {
        #expect(MemoryLayout<HTTPRequestDecoder>.size <= 100)
    }
}
