import CLibuv
import Glibc

/// One HTTP request to a node nearby and its answer, waited for: for commands, not for loops. Without TLS.
package enum PlainRequest {
    package struct Answer: Sendable {
        package let status: Int
        package let body: [UInt8]
    }

    package struct Fault: Error, CustomStringConvertible {
        package let description: String

        package init(description: String) { self.description = description }
    }

    /// More is no answer of ours.
    private static let answerBytesMax = 16 << 20

    /// `lines`: further header fields, each with its CRLF. `seconds`: without a byte, before it is given up.
    package static func send(
        _ method: String, _ path: String, to address: SocketAddress, lines: String = "", seconds: Int = 10
    ) throws(Fault) -> Answer {
        let socket = Glibc.socket(Int32(address.storage.ss_family), Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        guard socket >= 0 else { throw fault("socket") }
        defer { Glibc.close(socket) }
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            unsafe setsockopt(socket, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
        }
        let size = address.host.contains(":") ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
        let status = unsafe address.withPointer { pointer in unsafe connect(socket, pointer, socklen_t(size)) }
        guard status == 0 else { throw fault("\(address)") }
        let head = "\(method) \(path) HTTP/1.1\r\nHost: \(address)\r\nConnection: close\r\nContent-Length: 0\r\n"
        try write(Array("\(head)\(lines)\r\n".utf8), to: socket, address)
        return try answer(in: read(socket, address))
    }

    private static func fault(_ place: String) -> Fault {
        unsafe Fault(description: "\(place): \(String(cString: strerror(errno)))")
    }

    private static func write(_ bytes: [UInt8], to socket: Int32, _ address: SocketAddress) throws(Fault) {
        let flags = Int32(MSG_NOSIGNAL)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.send(socket, $0.baseAddress, $0.count, flags) }
            guard count > 0 else { throw fault("\(address)") }
            rest = rest.dropFirst(count)
        }
    }

    private static func read(_ socket: Int32, _ address: SocketAddress) throws(Fault) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while bytes.count <= answerBytesMax {
            let room = buffer.count
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(socket, $0.baseAddress, room, 0) }
            if count == 0 { return bytes }
            guard count > 0 else { throw fault("\(address)") }
            bytes += buffer[..<count]
        }
        throw Fault(description: "\(address): the answer is too long")
    }

    /// A node gives every answer of this kind a length and closes after it, so the rest is the body.
    private static func answer(in bytes: [UInt8]) throws(Fault) -> Answer {
        let end = Array("\r\n\r\n".utf8)
        let start = bytes.indices.first { bytes[$0...].starts(with: end) }
        let words = String(decoding: bytes.prefix(64), as: UTF8.self).split(separator: " ")
        guard let start, words.count > 1, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw Fault(description: "what answers there does not speak HTTP, or only TLS")
        }
        return Answer(status: status, body: Array(bytes[(start + end.count)...]))
    }
}
