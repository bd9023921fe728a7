import Reactor
import Testing

@testable import Node

@Suite struct UpstashReaderTests {
    private static func makeReader(memory: Int = 64 << 20) -> UpstashReader {
        UpstashReader(bodyMax: 10 << 20, budget: FixedBudget(bytesMax: memory))
    }

    private static func words(_ read: (inout UpstashReader) throws -> Void) throws -> [String] {
        var reader = makeReader()
        try read(&reader)
        return texts(of: reader.words.arguments)
    }

    private static func texts(of arguments: Arguments) -> [String] {
        var texts: [String] = []
        for index in 0..<arguments.count { texts.append(arguments.text(index)) }
        return texts
    }

    @Test(arguments: [
        (#"["GET","k"]"#, ["GET", "k"]),
        (#" [ "set" , "k" , 1 ] "#, ["set", "k", "1"]),
        (#"["SET","k",12345678901234567890]"#, ["SET", "k", "12345678901234567890"]),
        (#"["SET","k",1.0]"#, ["SET", "k", "1.0"]),
        (#"["SET","k",-0.10e+30]"#, ["SET", "k", "-0.10e+30"]),
        (#"["SET","k",true,false]"#, ["SET", "k", "true", "false"]),
        (#"["SET","","\u0000\n\"é😀\ud83d\ude00"]"#, ["SET", "", "\0\n\"é😀😀"]),
    ])
    func aJSONArrayIsACommandAndNumbersAreTakenAsTheyAreWritten(body: String, words: [String]) throws {
        #expect(try Self.words { try $0.readCommand(body.utf8.span) } == words)
    }

    @Test(arguments: [
        ("", "ERR empty command"), ("[]", "ERR empty command"),
        ("[", "ERR failed to parse command"), ("{}", "ERR failed to parse command"),
        (#""GET""#, "ERR failed to parse command"), (#"["GET",null]"#, "ERR failed to parse command"),
        (#"["GET",{}]"#, "ERR failed to parse command"), (#"["GET",["k"]]"#, "ERR failed to parse command"),
        (#"["GET","k"] x"#, "ERR failed to parse command"), (#"["GET","\ud800"]"#, "ERR failed to parse command"),
        (#"[["GET","k"]]"#, "ERR failed to parse command"), (#"["GET",01]"#, "ERR failed to parse command"),
    ])
    func whatIsNoCommandIsToldInUpstashsWords(body: String, text: String) {
        #expect(throws: CommandError(text)) { try Self.words { try $0.readCommand(body.utf8.span) } }
    }

    @Test func aReaderReadsOneCommandAfterTheOther() throws {
        var reader = Self.makeReader()
        try reader.readCommand(#"["SET","\u0041","b"]"#.utf8.span)
        #expect(throws: CommandError.unreadableCommand) { try reader.readCommand("[null]".utf8.span) }
        try reader.readCommand(#"["GET","k"]"#.utf8.span)
        #expect(Self.texts(of: reader.words.arguments) == ["GET", "k"])
    }

    @Test func aLongWordBecomesABlockThatIsChargedAndMayFindNoMemory() throws {
        let long = String(repeating: "x", count: UpstashLimits.blobMin)
        let body = #"["SET","k","\#(long)"]"#
        var reader = Self.makeReader()
        try reader.readCommand(body.utf8.span)
        #expect(reader.words.arguments.blob(2)?.count == long.utf8.count)
        #expect(reader.words.arguments.blob(1) == nil)
        var poor = Self.makeReader(memory: 1_000)
        #expect(throws: CommandError.outOfMemory) { try poor.readCommand(body.utf8.span) }
    }

    @Test func anArrayOfArraysIsABatch() throws {
        var reader = Self.makeReader()
        let batch = try reader.readBatch(#"[["SET","a",1],["GET","a"]]"#.utf8.span)
        #expect(batch.count == 2)
        let (first, second) = (Self.texts(of: batch[0]), Self.texts(of: batch[1]))
        #expect(first == ["SET", "a", "1"])
        #expect(second == ["GET", "a"])
    }

    @Test(arguments: [
        ("", "ERR empty pipeline request"), ("[]", "ERR empty pipeline request"), ("[[]]", "ERR empty command"),
        (#"["GET","k"]"#, "ERR failed to parse pipeline request"), ("{}", "ERR failed to parse pipeline request"),
        (#"[["GET",null]]"#, "ERR failed to parse pipeline request"), ("[[", "ERR failed to parse pipeline request"),
    ])
    func whatIsNoBatchIsToldInUpstashsWords(body: String, text: String) {
        var reader = Self.makeReader()
        #expect(throws: CommandError(text)) { try reader.readBatch(body.utf8.span) }
    }

    @Test func aBatchHasALimit() {
        var reader = Self.makeReader()
        let commands = Array(repeating: "[1]", count: UpstashLimits.commandsMax + 1).joined(separator: ",")
        let body = "[\(commands)]"
        #expect(throws: CommandError.tooManyCommands) { try reader.readBatch(body.utf8.span) }
    }

    @Test(arguments: [
        ("/get/k", "", "", ["get", "k"]),
        ("/set/k/v/EX/100", "", "", ["set", "k", "v", "EX", "100"]),
        ("/set/a%2Fb/%00+", "", "", ["set", "a/b", "\0+"]),
        ("/set/k/", "", "", ["set", "k", ""]),
        ("/set//v", "", "", ["set", "", "v"]),
        ("/set/k", "EX=100&NX", "value", ["set", "k", "value", "EX", "100", "NX"]),
        ("/set/k/v", "PX=5&&XX=", "", ["set", "k", "v", "PX", "5", "XX", ""]),
        ("/set/k/v", "_token=abc&NX&_token=x", "", ["set", "k", "v", "NX"]),
        ("/set/k/v", "a+b=c%20d%2B", "", ["set", "k", "v", "a b", "c d+"]),
    ])
    func aPathItsBodyAndItsQueryAreTheWords(path: String, query: String, body: String, words: [String]) throws {
        let read = try Self.words {
            try $0.readPath(path.utf8.span, query: query.utf8.span, body: body.utf8.span, blob: nil)
        }
        #expect(read == words)
    }

    @Test(arguments: [("/get/%", ""), ("/get/%4", ""), ("/get/%zz", ""), ("/get/k", "a=%"), ("/get/k", "%x")])
    func aBrokenEscapeIsNoCommand(path: String, query: String) {
        #expect(throws: CommandError.unreadableCommand) {
            try Self.words { try $0.readPath(path.utf8.span, query: query.utf8.span, body: Span(), blob: nil) }
        }
    }

    @Test func aBodyWithABlockOfItsOwnIsTheWordItself() throws {
        let blob = Blob(copying: [UInt8](repeating: 7, count: UpstashLimits.blobMin).span)
        var reader = Self.makeReader()
        try reader.readPath("/set/k".utf8.span, query: Span(), body: blob.span, blob: blob)
        #expect(reader.words.arguments.blob(2) === blob)
    }
}

/// Gives out what is asked if it is no more than all there is, and keeps no account.
private final class FixedBudget: MemoryBudget {
    let bytesMax: Int

    init(bytesMax: Int) {
        self.bytesMax = bytesMax
    }

    func reserve(_ bytes: Int) -> Bool { bytes <= bytesMax }
    func release(_ bytes: Int) {}
}
