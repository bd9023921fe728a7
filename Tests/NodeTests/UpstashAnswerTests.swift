import Reactor
import Testing

@testable import Node

@Suite struct UpstashAnswerTests {
    private static func text(_ reply: Reply, isBase64: Bool = false) -> String {
        var writer = JSONWriter()
        writer.result(reply, isBase64: isBase64)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test(arguments: [
        (Reply.ok, #"{"result":"OK"}"#), (.status("PONG"), #"{"result":"PONG"}"#),
        (.integer(Int64.max), #"{"result":9223372036854775807}"#),
        (.integer(Int64.min), #"{"result":-9223372036854775808}"#),
        (.integer(9_007_199_254_740_993), #"{"result":9007199254740993}"#),
        (.bytes(Array("é\"\n".utf8)), #"{"result":"é\"\n"}"#), (.text("t"), #"{"result":"t"}"#),
        (.blob(Blob(copying: [0x61].span)), #"{"result":"a"}"#), (.verbatim("v"), #"{"result":"v"}"#),
        (.double(1.5), #"{"result":"1.5"}"#), (.double(3), #"{"result":"3"}"#),
        (.double(.infinity), #"{"result":"inf"}"#),
        (.null, #"{"result":null}"#), (.nullArray, #"{"result":null}"#), (.flag(true), #"{"result":1}"#),
        (.array([.ok, .integer(1), .null, .array([])]), #"{"result":["OK",1,null,[]]}"#),
        (.map([.text("a"), .double(0.5)]), #"{"result":["a","0.5"]}"#), (.set([.text("a")]), #"{"result":["a"]}"#),
        (.error(.syntax), #"{"error":"ERR syntax error"}"#),
    ])
    func aReplyIsJSONInTheShapesOfRESP2(reply: Reply, text: String) {
        #expect(Self.text(reply) == text)
    }

    @Test(arguments: [
        (Reply.ok, #"{"result":"OK"}"#), (.status("PONG"), #"{"result":"UE9ORw=="}"#),
        (.bytes([0xFF, 0x00]), #"{"result":"/wA="}"#), (.bytes([]), #"{"result":""}"#),
        (.bytes(Array("OK".utf8)), #"{"result":"T0s="}"#), (.text("a"), #"{"result":"YQ=="}"#),
        (.double(1.5), #"{"result":"MS41"}"#), (.integer(5), #"{"result":5}"#), (.null, #"{"result":null}"#),
        (.array([.ok, .integer(1), .null, .array([.text("a")])]), #"{"result":["T0s=",1,null,["YQ=="]]}"#),
        (.error(.syntax), #"{"error":"ERR syntax error"}"#),
        (.array([.error(.syntax)]), #"{"result":["ERR syntax error"]}"#),
    ])
    func everyStringAtAnyDepthIsBase64ButATopLevelOKAndErrors(reply: Reply, text: String) {
        #expect(Self.text(reply, isBase64: true) == text)
    }

    @Test(
        arguments: [
            ([0xFF], "\u{FFFD}"), ([0x61, 0xE2, 0x82, 0x62], "a\u{FFFD}\u{FFFD}b"), ([0xC0, 0x80], "\u{FFFD}\u{FFFD}"),
            ([0xED, 0xA0, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}"), ([0xE2, 0x82, 0xAC], "€"),
            ([0xF0, 0x9F, 0x98], "\u{FFFD}\u{FFFD}\u{FFFD}"),
        ] as [([UInt8], String)])
    func invalidUTF8IsReplacedByteByByte(bytes: [UInt8], text: String) {
        #expect(Self.text(.bytes(bytes)) == "{\"result\":\"\(text)\"}")
    }

    @Test func whatNeedsAConnectionIsNotOffered() {
        let offered = CommandTable.shared.commands.filter(UpstashFront.isOffered).map(\.name)
        #expect(Set(offered).isSuperset(of: ["get", "set", "mget", "ping", "echo", "dbsize", "flushall"]))
        let refused = ["multi", "exec", "discard", "watch", "unwatch", "quit", "auth", "hello", "select", "client"]
        #expect(Set(offered).isDisjoint(with: refused + ["subscribe", "psubscribe", "monitor", "reset"]))
    }
}
