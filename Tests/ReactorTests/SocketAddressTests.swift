import Testing

@testable import Reactor

@Suite struct SocketAddressTests {
    @Test(arguments: [
        ("127.0.0.1:8080", "127.0.0.1", UInt16(8080), "127.0.0.1:8080", true),
        ("127.0.0.1:0", "127.0.0.1", 0, "127.0.0.1:0", true),
        ("127.8.9.10:65535", "127.8.9.10", 65535, "127.8.9.10:65535", true),
        ("localhost:80", "127.0.0.1", 80, "127.0.0.1:80", true),
        ("0.0.0.0:80", "0.0.0.0", 80, "0.0.0.0:80", false),
        ("10.0.0.1:00080", "10.0.0.1", 80, "10.0.0.1:80", false),
        ("[::1]:8080", "::1", 8080, "[::1]:8080", true),
        ("[::]:1", "::", 1, "[::]:1", false),
        ("[::ffff:127.0.0.1]:1", "::ffff:127.0.0.1", 1, "[::ffff:127.0.0.1]:1", false),
        ("[2001:db8::1]:443", "2001:db8::1", 443, "[2001:db8::1]:443", false),
    ])
    func anAddressIsReadAndWrittenAlike(
        _ text: String, _ host: String, _ port: UInt16, _ name: String, _ isLoopback: Bool
    ) throws {
        let address = try SocketAddress(parsing: text)
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.description == name)
        #expect(address.isLoopback == isLoopback)
        let again = try #require(SocketAddress(storage: address.storage))
        #expect(again.host == host)
        #expect(again.port == port)
    }

    @Test(arguments: [
        ("", SocketAddress.Fault.noPort("")),
        ("127.0.0.1", .noPort("127.0.0.1")),
        ("127.0.0.1:", .badPort("")),
        ("127.0.0.1:65536", .badPort("65536")),
        ("127.0.0.1:-1", .badPort("-1")),
        ("127.0.0.1:+80", .badPort("+80")),
        ("127.0.0.1: 80", .badPort(" 80")),
        ("127.0.0.1:80x", .badPort("80x")),
        ("127.0.0.1:٨٠", .badPort("٨٠")),
        (":80", .badHost("")),
        ("::1:80", .badHost("::1")),
        ("[::1:80", .badHost("[::1")),
        ("[]:80", .badHost("[]")),
        ("[127.0.0.1]:80", .badHost("[127.0.0.1]")),
        ("[localhost]:80", .badHost("[localhost]")),
        ("127.1:80", .badHost("127.1")),
        ("0x7f.0.0.1:80", .badHost("0x7f.0.0.1")),
        ("127.0.0.1.evil.com:80", .badHost("127.0.0.1.evil.com")),
        ("example.com:80", .badHost("example.com")),
        ("LOCALHOST:80", .badHost("LOCALHOST")),
        ("[::g]:80", .badHost("::g")),
    ])
    func whatIsNoAddressIsRefusedWithItsPart(_ text: String, _ fault: SocketAddress.Fault) {
        #expect(throws: fault) { try SocketAddress(parsing: text) }
        #expect(!fault.description.isEmpty)
    }
}
