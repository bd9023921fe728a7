import Reactor
import Testing

@testable import Node

@Suite struct MonitorLineTests {
    private func line(_ words: [UInt8]...) -> String {
        let list = ArgumentList(words)
        return String(
            decoding: MonitorLine.text(
                of: list.arguments, from: "127.0.0.1:60866", microseconds: 1_339_518_083_007_412), as: UTF8.self)
    }

    private func line(_ words: String...) -> String {
        let list = ArgumentList(words.map { Array($0.utf8) })
        return String(
            decoding: MonitorLine.text(
                of: list.arguments, from: "127.0.0.1:60866", microseconds: 1_339_518_083_007_412), as: UTF8.self)
    }

    private let lead = "1339518083.007412 [0 127.0.0.1:60866]"

    @Test func showsTimeAddressAndWords() {
        #expect(line("keys", "*") == lead + #" "keys" "*""#)
        #expect(line("GET", "") == lead + #" "GET" """#)
    }

    @Test func bytesAreQuotedAsRedisQuotesThem() {
        #expect(
            line(Array("k\"\\\n\r\t\u{7}\u{8}\u{1} ~".utf8), [0x7F, 0x80, 0xFF, 0])
                == lead + #" "k\"\\\n\r\t\a\b\x01 ~" "\x7f\x80\xff\x00""#)
    }

    @Test func secretsAreNotShown() {
        #expect(line("AUTH", "secret") == lead + #" "AUTH" "(redacted)""#)
        #expect(line("auth", "user", "secret") == lead + #" "auth" "(redacted)" "(redacted)""#)
        #expect(
            line("HELLO", "3", "auth", "user", "secret", "SETNAME", "me")
                == lead + #" "HELLO" "3" "auth" "(redacted)" "(redacted)" "SETNAME" "me""#)
        #expect(line("hello", "3", "AUTH", "user") == lead + #" "hello" "3" "AUTH" "(redacted)""#)
        #expect(line("AUTH") == lead + #" "AUTH""#)
    }

    @Test func aLongLineIsCut() {
        let long = [UInt8](repeating: 0x61, count: 2 * MonitorLine.shownMax)
        let text = line(Array("SET".utf8), Array("key".utf8), long, Array("EX".utf8))
        #expect(text.utf8.count < MonitorLine.shownMax + 200)
        #expect(text.hasSuffix("more bytes) ... (1 more arguments)"))
    }
}
