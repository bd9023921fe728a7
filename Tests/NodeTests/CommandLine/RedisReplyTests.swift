import Testing

@testable import Node

@Suite struct RedisReplyTests {
    private static let wire =
        "*6\r\n$5\r\nhello\r\n:-7\r\n$-1\r\n+OK\r\n*2\r\n$0\r\n\r\n*0\r\n-ERR no\r\n"

    @Test func aReplyIsReadAsAWholeOrNotAtAll() {
        let bytes = Array(Self.wire.utf8)
        #expect(
            RedisReply(bytes)
                == .array([
                    .bytes(Array("hello".utf8)), .integer(-7), .null, .status("OK"), .array([.bytes([]), .array([])]),
                    .error("ERR no"),
                ]))
        for count in 0..<bytes.count { #expect(RedisReply(Array(bytes.prefix(count))) == nil) }
        #expect(RedisReply(bytes + [0]) == nil)
    }

    @Test(arguments: [
        "", "x\r\n", "$5\r\nab\r\n", ":x\r\n", "*9223372036854775807\r\n", "$9223372036854775807\r\n\r\n",
        String(repeating: "*1\r\n", count: 10_000),
    ])
    func whatIsNoReplyIsNil(text: String) {
        #expect(RedisReply(Array(text.utf8)) == nil)
    }

    @Test func onATerminalTypesAreTold() throws {
        let reply = try #require(RedisReply(Array(Self.wire.utf8)))
        #expect(
            reply.typed == """
                1) "hello"
                2) (integer) -7
                3) (nil)
                4) OK
                5) 1) ""
                   2) (empty array)
                6) (error) ERR no

                """)
        #expect(RedisReply.bytes([0, 34, 92, 10, 255, 65]).typed == "\"\\x00\\\"\\\\\\n\\xffA\"\n")
    }

    @Test func elsewhereBytesAreBare() throws {
        let reply = try #require(RedisReply(Array(Self.wire.utf8)))
        #expect(String(decoding: reply.bare, as: UTF8.self) == "hello\n-7\n\nOK\n\n\nERR no\n")
        #expect(RedisReply.bytes([0, 255]).bare == [0, 255, 10])
    }
}
