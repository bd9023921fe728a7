import Reactor
import TestSupport
import Testing

@Suite struct RESPDecoderTests {
    @Test(arguments: [
        ("*1\r\n$4\r\nPING\r\n", [["PING"]]),
        ("*2\r\n$3\r\nGET\r\n$0\r\n\r\n", [["GET", ""]]),
        ("*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1\r\n$4\r\nPING\r\n", [["GET", "a"], ["PING"]]),
        ("*0\r\n*-1\r\n*1\r\n$4\r\nPING\r\n", [["PING"]]),
        ("PING\r\n", [["PING"]]),
        ("\r\n\nPING\n", [["PING"]]),
        ("  set  a\t b \r\n", [["set", "a", "b"]]),
        ("set a \"x y\\x41\\n\\\"\"\r\n", [["set", "a", "x yA\n\""]]),
        ("set a 'x \\'y\\' \\n'\r\n", [["set", "a", "x 'y' \\n"]]),
        ("set a\"b c\"\r\n", [["set", "ab c"]]),
        ("get key\r\n*1\r\n$4\r\nPING\r\n", [["get", "key"], ["PING"]]),
        ("GET http\r\n", [["GET", "http"]]),
    ])
    func itReadsCommands(text: String, commands: [[String]]) {
        #expect(commands == read(Array(text.utf8)).commands)
        #expect(read(Array(text.utf8)).fault == nil)
    }

    @Test(arguments: [
        ("*x\r\n", RESPFault.multibulkLengthInvalid), ("*\r\n", .multibulkLengthInvalid),
        ("*1\n", .multibulkLengthInvalid), ("*1048577\r\n", .multibulkLengthInvalid),
        ("*2147483647\r\n", .multibulkLengthInvalid), ("*99999999999999999999\r\n", .multibulkLengthTooLong),
        ("*1\r\n:1\r\n", .bulkExpected(0x3A)), ("*1\r\n$-1\r\n", .bulkLengthInvalid),
        ("*1\r\n$x\r\n", .bulkLengthInvalid), ("*1\r\n$67108865\r\n", .bulkLengthInvalid),
        ("*1\r\n$4\r\nPINGxx", .lineBreakMissing), ("set a \"b\r\n", .quotesUnbalanced),
        ("set a \"b\"c\r\n", .quotesUnbalanced), ("set 'a\r\n", .quotesUnbalanced),
        ("GET / HTTP/1.1\r\n", .http), ("POST x\r\n", .http), ("host: a\r\n", .http),
        (String(repeating: "a", count: 65_537), .inlineTooLong),
    ])
    func itRefuses(text: String, fault: RESPFault) {
        let result = read(Array(text.utf8))
        #expect(result.fault == fault)
        #expect(result.commands == [])
    }

    @Test(arguments: [
        ("*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n", RESPFault.multibulkLengthInvalid),
        ("*2\r\n$6\r\nabcdef\r\n$6\r\nabcdef\r\n", .commandTooLarge(max: 10)),
        ("*1\r\n$9\r\nabcdefghi\r\n", .bulkLengthInvalid),
    ])
    func whatArrivesAsAWholeKeepsTheLimits(text: String, fault: RESPFault) {
        var limits = RESPLimits()
        limits.argumentsMax = 2
        limits.bulkMax = 8
        limits.commandBytesMax = 10
        let bytes = Array(text.utf8)
        #expect(read(bytes, limits: limits).fault == fault)
        #expect(read(bytes, piece: 1, limits: limits).fault == fault)
    }

    @Test func whereverTheBytesAreCutTheCommandsAreTheSame() {
        let large = String(repeating: "v", count: 70_000)
        let text = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$70000\r\n\(large)\r\nget a\r\n*2\r\n$3\r\nGET\r\n$1\r\nb\r\n"
        let bytes = Array(text.utf8)
        let expected = [["SET", "a", large], ["get", "a"], ["GET", "b"]]
        #expect(expected == read(bytes).commands)
        for piece in [1, 2, 3, 7, 1_000, 16_384, 69_999, 70_010] {
            #expect(expected == read(bytes, piece: piece).commands, "pieces of \(piece)")
        }
    }

    @Test func anyPrefixOfCommandsIsNoFault() {
        let bytes = Array("*2\r\n$3\r\nGET\r\n$1\r\na\r\nset a \"x\\x41\"\r\n*1\r\n$4\r\nPING\r\n".utf8)
        for count in 0..<bytes.count {
            #expect(read(Array(bytes[..<count])).fault == nil, "prefix of \(count)")
        }
    }

    @Test(arguments: ["\r\n", "\n", " \t\r\n", "*0\r\n", "*-1\r\n"])
    func whatIsNoCommandIsDoneWith(text: String) throws {
        let bytes = Array((text + text + "*1").utf8)
        var decoder = RESPDecoder(limits: RESPLimits())
        let account = Budget(bytesMax: .max)
        for start in [0, text.utf8.count] {
            let rest = Array(bytes[start...])
            let isComplete = try decoder.next(rest.span, budget: account)
            #expect(isComplete)
            let count = decoder.advance()
            #expect(count == text.utf8.count)
        }
        let rest = Array("*1".utf8)
        let isComplete = try decoder.next(rest.span, budget: account)
        #expect(!isComplete)
        #expect(decoder.kept(of: rest.span) == 2)
    }

    @Test func anArgumentWithoutMemoryIsPassedOver() {
        let large = String(repeating: "v", count: 70_000)
        let bytes = Array("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$70000\r\n\(large)\r\n*1\r\n$4\r\nPING\r\n".utf8)
        let result = read(bytes, piece: 1_000, budget: 1_000)
        #expect(result.commands == [["SET", "a", ""], ["PING"]])
        #expect(result.shortOfMemory == [true, false])
        #expect(result.fault == nil)
    }

    /// A length is a claim: what it costs is bounded by what has come.
    @Test func aLargeArgumentIsChargedAsItComes() throws {
        let (length, piece) = (1 << 20, 10_000)
        let budget = CountingBudget()
        var decoder = RESPDecoder(limits: RESPLimits())
        var kept = Array("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$\(length)\r\n".utf8)
        #expect(try Self.next(&decoder, kept, budget) == false)
        #expect(budget.used == 0)
        kept.removeLast(kept.count - decoder.kept(of: kept.span))
        var sent = 0
        while sent < length {
            let count = min(piece, length - sent)
            let shown = kept + [UInt8](repeating: 7, count: count)
            #expect(try Self.next(&decoder, shown, budget) == false)
            kept = Array(shown.prefix(decoder.kept(of: shown.span)))
            sent += count
            let most = min(length, max(2 * sent, Blob.arrivingStepFirst)) + Blob.overhead
            #expect(budget.used >= sent + Blob.overhead && budget.used <= most)
        }
        kept += Array("\r\n".utf8)
        #expect(try Self.next(&decoder, kept, budget))
        #expect(decoder.arguments(in: kept.span)[2].count == length)
        #expect(budget.used == length + Blob.overhead)
        _ = decoder.advance()
        #expect(budget.used == 0)
    }

    /// A command that cannot be run gives up what has come of it, and costs nothing more.
    @Test func aCommandWithoutMemoryHoldsNone() throws {
        let budget = CountingBudget(max: 150_000)
        var decoder = RESPDecoder(limits: RESPLimits())
        let start = Array("*3\r\n$4\r\nMSET\r\n".utf8)
        let word = Array("$100000\r\n".utf8) + [UInt8](repeating: 7, count: 100_000)
        #expect(try Self.next(&decoder, start + word, budget) == false)
        #expect(budget.used == 100_000 + Blob.overhead)
        let kept = Array((start + word).prefix(decoder.kept(of: (start + word).span))) + Array("\r\n".utf8)
        #expect(try Self.next(&decoder, kept + word, budget) == false)
        #expect(budget.used == 0)
        #expect(decoder.isShortOfMemory)
    }

    private static func next(
        _ decoder: inout RESPDecoder, _ bytes: [UInt8], _ budget: any MemoryBudget
    ) throws(RESPFault) -> Bool {
        try decoder.next(bytes.span, budget: budget)
    }

    @Test func noiseIsNeverMoreThanAFault() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededRandom(seed: seed)
        let telling = Array("*$123\r\n\r\n\"'\\xGET".utf8)
        for _ in 0..<5_000 {
            let bytes = (0..<Int.random(in: 0...100, using: &generator)).map { _ in
                telling.randomElement(using: &generator)!
            }
            let whole = read(bytes)
            let pieces = read(bytes, piece: 1)
            #expect(whole.commands == pieces.commands, "seed \(seed): \(bytes)")
            #expect(whole.fault == pieces.fault, "seed \(seed): \(bytes)")
        }
    }

    private struct Result {
        var commands: [[String]] = []
        var shortOfMemory: [Bool] = []
        var fault: RESPFault?
    }

    /// Shows the decoder the bytes in pieces, as a connection does.
    private func read(
        _ bytes: [UInt8], piece: Int = .max, budget: Int = .max, limits: RESPLimits = RESPLimits()
    ) -> Result {
        var decoder = RESPDecoder(limits: limits)
        let account = Budget(bytesMax: budget)
        var result = Result()
        var kept: [UInt8] = []
        var position = 0
        while position < bytes.count {
            let end = min(bytes.count, position + min(piece, bytes.count))
            kept += bytes[position..<end]
            position = end
            do throws(RESPFault) {
                while try decoder.next(kept.span, budget: account) {
                    let command = words(decoder, kept)
                    if !command.isEmpty {
                        result.commands.append(command)
                        result.shortOfMemory.append(decoder.isShortOfMemory)
                    }
                    let count = decoder.advance()
                    kept.removeFirst(count)
                }
                let keptCount = decoder.kept(of: kept.span)
                kept.removeLast(kept.count - keptCount)
            } catch {
                result.fault = error
                return result
            }
        }
        return result
    }

    private func words(_ decoder: RESPDecoder, _ bytes: [UInt8]) -> [String] {
        let arguments = decoder.arguments(in: bytes.span)
        return (0..<arguments.count).map { text(arguments[$0]) }
    }

    private func text(_ bytes: Span<UInt8>) -> String { String(decoding: [UInt8](span: bytes), as: UTF8.self) }
}

private final class Budget: MemoryBudget {
    let bytesMax: Int

    init(bytesMax: Int) {
        self.bytesMax = bytesMax
    }

    func reserve(_ bytes: Int) -> Bool { bytes <= bytesMax }
    func release(_ bytes: Int) {}
}
