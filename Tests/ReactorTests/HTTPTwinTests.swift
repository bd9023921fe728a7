import Reactor
import TestSupport
import Testing

/// The decoder against a naive reader of heads, and against noise.
@Suite struct HTTPTwinTests {
    @Test func aNaiveReaderAgreesOnMutatedHeads() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededRandom(seed: seed)
        var accepted = 0
        for _ in 0..<30_000 {
            let bytes = mutatedHead(using: &generator)
            let naive = NaiveHead(bytes)
            let decoded = decode(bytes)
            #expect(decoded == naive, "seed \(seed): \(String(decoding: bytes, as: UTF8.self).debugDescription)")
            if decoded != naive { return }
            accepted += naive == nil ? 0 : 1
        }
        #expect(accepted > 3000 && accepted < 27_000, "seed \(seed): \(accepted) accepted say little")
    }

    @Test func noiseIsNeverMoreThanAFault() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededRandom(seed: seed)
        for _ in 0..<5000 {
            let count = Int.random(in: 0...300, using: &generator)
            // Half of the noise is of the bytes that matter, so that it gets past the first of them.
            let alphabet = Bool.random(using: &generator) ? Array(UInt8.min ... .max) : Self.telling
            let bytes = (0..<count).map { _ in alphabet.randomElement(using: &generator)! }
            let whole = transcript(of: bytes, cuts: [])
            #expect(transcript(of: bytes, cuts: 0..<count) == whole, "seed \(seed): \(bytes)")
        }
    }

    private static let telling = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n:,;0f\t\u{0}\u{7F}\"#*[]@_".utf8)

    private static let heads = [
        "GET /a?b=c HTTP/1.1\r\nHost: a\r\nAccept: x\r\n\r\n",
        "PUT /k HTTP/1.1\r\nContent-Length: 12\r\nHost: localhost:80\r\nX-Y:  z \r\n\r\n",
        "POST / HTTP/1.1\r\nHost: [::1]:8080\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        "GET http://a.b/c HTTP/1.1\r\nHost: A.b\r\nExpect: 100-continue\r\n\r\n",
        "OPTIONS * HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
    ]

    /// One of the heads with up to three bytes or lines changed.
    private func mutatedHead(using generator: inout SeededRandom) -> [UInt8] {
        var bytes = Array(Self.heads.randomElement(using: &generator)!.utf8)
        for _ in 0..<Int.random(in: 0...3, using: &generator) {
            let position = Int.random(in: 0..<bytes.count, using: &generator)
            let byte = Self.telling.randomElement(using: &generator)!
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes[position] = byte
            case 1: bytes.insert(byte, at: position)
            case 2: bytes.remove(at: position)
            case 3: bytes[position] ^= 0x20
            default: swapLines(&bytes, with: Self.heads.randomElement(using: &generator)!, using: &generator)
            }
        }
        return bytes
    }

    /// Puts a field line of another head somewhere between the lines.
    private func swapLines(_ bytes: inout [UInt8], with other: String, using generator: inout SeededRandom) {
        let lines = other.linesByCRLF.dropFirst().filter { !$0.isEmpty }
        let ends = bytes.indices.filter { $0 > 0 && bytes[$0] == 0x0A && bytes[$0 - 1] == 0x0D }
        guard let line = lines.randomElement(using: &generator), let end = ends.randomElement(using: &generator) else {
            return
        }
        bytes.insert(contentsOf: Array(line.utf8) + [0x0D, 0x0A], at: end + 1)
    }

    /// The head that the decoder finds in `bytes`, if they are exactly one head.
    private func decode(_ bytes: [UInt8]) -> NaiveHead? {
        var decoder = HTTPRequestDecoder(limits: HTTPLimits())
        let head = HTTPRequestHead()
        guard let (event, consumed) = try? decoder.next(bytes.span, into: head), event == .head, consumed == bytes.count
        else { return nil }
        let fields = (0..<head.fieldCount).map { [array(head.name(at: $0)), array(head.value(at: $0))] }
        return NaiveHead(
            method: array(head.method.name.utf8Span.span), target: array(head.target), minor: Int(head.versionMinor),
            fields: fields, body: head.body, keepAlive: head.keepAlive)
    }

    private func array(_ bytes: Span<UInt8>) -> [UInt8] { bytes.indices.map { bytes[$0] } }
}
