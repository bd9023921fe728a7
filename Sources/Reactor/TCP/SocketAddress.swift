import CLibuv

/// An address and port to bind to or to name: `127.0.0.1:8080`, `[::1]:8080` or `localhost:8080`.
@safe
package struct SocketAddress: Sendable, CustomStringConvertible {
    package enum Fault: Error, Equatable, CustomStringConvertible {
        case noPort(String)
        case badPort(String)
        case badHost(String)

        package var description: String {
            switch self {
            case .noPort(let text): "'\(text)' has no port: write HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080"
            case .badPort(let text): "'\(text)' is no port: a number from 0 (any free port) to 65535"
            case .badHost(let text): "'\(text)' is no IP address: write 127.0.0.1, [::1] or localhost"
            }
        }
    }

    var storage: sockaddr_storage
    package let host: String
    package let port: UInt16

    package init(parsing text: String) throws(Fault) {
        guard let colon = text.lastIndex(of: ":") else { throw .noPort(text) }
        let portText = String(text[text.index(after: colon)...])
        guard let port = UInt16(portText), portText.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) else {
            throw .badPort(portText)
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]"), host.contains(":") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            throw .badHost(host)
        }
        try self.init(host: host == "localhost" ? "127.0.0.1" : host, port: port)
    }

    package init(host: String, port: UInt16) throws(Fault) {
        self.host = host
        self.port = port
        storage = sockaddr_storage()
        let status = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            let raw = UnsafeMutableRawPointer(pointer)
            let v4 = unsafe uv_ip4_addr(host, Int32(port), raw.assumingMemoryBound(to: sockaddr_in.self))
            if v4 == 0 { return v4 }
            return unsafe uv_ip6_addr(host, Int32(port), raw.assumingMemoryBound(to: sockaddr_in6.self))
        }
        guard status == 0 else { throw .badHost(host) }
    }

    /// The address that the kernel filled into `storage`.
    init?(storage: sockaddr_storage) {
        var copy = storage
        var text = [CChar](repeating: 0, count: 64)
        let isV6 = Int32(copy.ss_family) == AF_INET6
        let port = unsafe withUnsafePointer(to: &copy) { pointer -> UInt16? in
            let raw = unsafe UnsafeRawPointer(pointer)
            if isV6 {
                let address = unsafe raw.assumingMemoryBound(to: sockaddr_in6.self)
                guard unsafe uv_ip6_name(address, &text, text.count) == 0 else { return nil }
                return unsafe UInt16(bigEndian: address.pointee.sin6_port)
            }
            let address = unsafe raw.assumingMemoryBound(to: sockaddr_in.self)
            guard unsafe uv_ip4_name(address, &text, text.count) == 0 else { return nil }
            return unsafe UInt16(bigEndian: address.pointee.sin_port)
        }
        guard let port else { return nil }
        self.storage = copy
        self.host = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        self.port = port
    }

    package var isLoopback: Bool { host.hasPrefix("127.") || host == "::1" }

    /// What tells one subscriber's addresses from another's: the address of IPv4, mapped into IPv6 or not, and the
    /// first 64 bits of any other.
    package var network: UInt64 {
        var copy = storage
        return unsafe withUnsafeBytes(of: &copy) { storage in
            guard Int32(self.storage.ss_family) == AF_INET6 else {
                let offset = MemoryLayout<sockaddr_in>.offset(of: \.sin_addr)!
                return unsafe UInt64(UInt32(bigEndian: storage.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
            }
            let offset = MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr)!
            let high = unsafe UInt64(bigEndian: storage.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            let low = unsafe UInt64(bigEndian: storage.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
            let isMapped = high == 0 && low >> 32 == 0xFFFF
            return isMapped ? low & 0xFFFF_FFFF : high
        }
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>) -> Result) -> Result {
        unsafe withUnsafePointer(to: storage) { pointer in
            unsafe body(UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self))
        }
    }
}
