import CLibuv
import Glibc

extension SocketAddress {
    /// Whether `host` is an IP address and no name.
    package static func isNumeric(host: String) -> Bool { (try? SocketAddress(host: host, port: 0)) != nil }

    /// `0.0.0.0` and `::`: every address of the machine, which nobody can reach it by.
    package static func isUnspecified(host: String) -> Bool {
        guard let address = try? SocketAddress(host: host, port: 0), let plain = SocketAddress(storage: address.storage)
        else { return false }
        return plain.host == "0.0.0.0" || plain.host == "::"
    }

    /// A host in the one way to write it: what differs after this are different hosts, or different names of one.
    package static func canonical(host: String) -> String {
        let name = host.lowercased()
        let host = name == "localhost" ? "127.0.0.1" : name
        guard let address = try? SocketAddress(host: host, port: 0) else { return host }
        return SocketAddress(storage: address.storage)?.host ?? host
    }

    /// `10.0.0.0/8`, `fd00::/8`, or one address.
    package static func isNetwork(_ text: String) -> Bool {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let host = parts.first, isNumeric(host: host) else { return false }
        guard parts.count == 2 else { return true }
        guard let length = Int(parts[1]), "\(length)" == parts[1] else { return false }
        return (0...(host.contains(":") ? 128 : 32)).contains(length)
    }

    /// As `init(parsing:)`, but the host may also be a name, which the system's resolver is asked for: that may take
    /// seconds, so not on a loop.
    package init(resolving text: String) throws {
        do {
            try self.init(parsing: text)
        } catch Fault.badHost {
            guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
                throw Fault.noPort(text)
            }
            try self.init(named: String(text[..<colon]), port: port)
        }
    }

    private init(named name: String, port: UInt16) throws(Fault) {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(name, nil, &hints, &list) == 0, let found = unsafe list else { throw .badHost(name) }
        defer { unsafe freeaddrinfo(found) }
        var storage = sockaddr_storage()
        let length = unsafe Int(found.pointee.ai_addrlen)
        guard let source = unsafe found.pointee.ai_addr, length <= MemoryLayout<sockaddr_storage>.size else {
            throw .badHost(name)
        }
        unsafe withUnsafeMutableBytes(of: &storage) { target in
            unsafe target.copyMemory(from: UnsafeRawBufferPointer(start: source, count: length))
        }
        guard let address = SocketAddress(storage: storage) else { throw .badHost(name) }
        try self.init(host: address.host, port: port)
    }
}
