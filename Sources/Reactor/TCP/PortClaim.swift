import CLibuv
import Glibc

/// The sole right to listen on an address, among the processes that ask for it: held until the last listener that was
/// opened by it has closed.
///
/// All loops of a node listen on one port by SO_REUSEPORT, which would let a second node of the same user join them
/// unnoticed. A plain bind finds everybody who listens already, but not a node that is starting too: until one of the
/// two listens, both binds succeed. To bind without SO_REUSEADDR would tell them apart, and keep a node from starting
/// while connections of the one before it are in TIME_WAIT. So the right is a name that the kernel gives out once: that
/// of an abstract Unix socket, made of the address. It has the network namespace for its scope, as ports have, and is
/// free when its process ends, however that ends.
@safe
package final class PortClaim: Sendable {
    /// Somebody else listens there, or is about to.
    package struct Taken: Error, CustomStringConvertible {
        package let address: SocketAddress
        /// The process of the node that has it, which may be this one; nil: it is no node.
        package let holder: Int32?

        package var description: String {
            switch holder {
            case nil: "cannot bind \(address): another process listens there"
            case getpid(): "cannot bind \(address): this node listens there already"
            case let holder?: "cannot bind \(address): the node of process \(holder) listens there"
            }
        }
    }

    /// With the port that the kernel chose if port 0 was asked for.
    package let address: SocketAddress
    /// The socket that has the name.
    private let descriptor: Int32

    /// Of port 0: another node may be given the same port before either has claimed it.
    private static let attemptsMax = 16
    /// Those who ask for the holder, not one of whom is ever accepted.
    private static let backlog: Int32 = 128

    /// Claims `address` for this process. Throws `Taken`, or what else speaks against it.
    package init(_ address: SocketAddress) throws {
        (self.address, descriptor) = try Self.take(address, attempts: Self.attemptsMax)
    }

    private static func take(_ address: SocketAddress, attempts: Int) throws -> (SocketAddress, Int32) {
        let bound = try bindOnce(address)
        do {
            return (bound, try takeName(of: bound))
        } catch let taken as Taken {
            guard address.port == 0, attempts > 1 else { throw taken }
            return try take(address, attempts: attempts - 1)
        }
    }

    deinit { close(descriptor) }

    // MARK: The port

    /// Finds by a plain bind whether anybody listens on `address`, and returns it with its port.
    private static func bindOnce(_ address: SocketAddress) throws -> SocketAddress {
        do throws(UVError) {
            return try bindPlainly(address)
        } catch {
            guard error.isAddressInUse else { throw error }
            throw Taken(address: address, holder: holder(of: address))
        }
    }

    private static func bindPlainly(_ address: SocketAddress) throws(UVError) -> SocketAddress {
        var scratch = unsafe uv_loop_t()
        try UV.check(unsafe uv_loop_init(&scratch), "cannot create an event loop")
        let handle = UnsafeMutablePointer<uv_tcp_t>.allocate(capacity: 1)
        defer {
            unsafe uv_run(&scratch, UV_RUN_DEFAULT)
            unsafe uv_loop_close(&scratch)
            unsafe handle.deallocate()
        }
        try UV.check(unsafe uv_tcp_init(&scratch, handle), "cannot create a socket")
        defer { unsafe uv_close(tribe_handle_of_tcp(handle), nil) }
        unsafe try UV.check(address.withPointer { unsafe uv_tcp_bind(handle, $0, 0) }, "cannot bind \(address)")
        var bound = sockaddr_storage()
        let status = unsafe withUnsafeMutablePointer(to: &bound) { pointer in
            var length = Int32(MemoryLayout<sockaddr_storage>.size)
            let raw = UnsafeMutableRawPointer(pointer)
            return unsafe uv_tcp_getsockname(handle, raw.assumingMemoryBound(to: sockaddr.self), &length)
        }
        // libuv keeps "address in use" for the first call after the bind.
        try UV.check(status, "cannot bind \(address)")
        guard let found = SocketAddress(storage: bound) else {
            throw UVError(operation: "cannot bind \(address)", code: UV_EADDRNOTAVAIL.rawValue)
        }
        return found
    }

    // MARK: The name

    private static func takeName(of address: SocketAddress) throws -> Int32 {
        let descriptor = try makeSocket()
        let status = unsafe withName(of: address) { unsafe bind(descriptor, $0, $1) }
        guard status == 0, listen(descriptor, backlog) == 0 else {
            let code = errno
            close(descriptor)
            guard code == EADDRINUSE else { throw UVError(operation: "cannot claim \(address)", code: -code) }
            throw Taken(address: address, holder: holder(of: address))
        }
        return descriptor
    }

    /// The process that has the name of `address`: it is known to whoever connects.
    private static func holder(of address: SocketAddress) -> Int32? {
        guard let descriptor = try? makeSocket() else { return nil }
        defer { close(descriptor) }
        guard unsafe withName(of: address, { unsafe connect(descriptor, $0, $1) }) == 0 else { return nil }
        // `struct ucred` of socket(7), which only a GNU source sees.
        var credentials = (process: Int32(0), user: UInt32(0), group: UInt32(0))
        var length = socklen_t(MemoryLayout.size(ofValue: credentials))
        let status = unsafe getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length)
        return status == 0 ? credentials.process : nil
    }

    private static func makeSocket() throws(UVError) -> Int32 {
        let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        let descriptor = socket(AF_UNIX, Int32(kind), 0)
        guard descriptor >= 0 else { throw UVError(operation: "cannot create a socket", code: -errno) }
        return descriptor
    }

    /// A zero byte before it makes the name abstract: no file stands for it.
    private static func withName(
        of address: SocketAddress, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        let text = [0] + Array("tribe/port/\(address)".utf8)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        precondition(text.count <= MemoryLayout.size(ofValue: name.sun_path), "a name of \(text.count) bytes")
        unsafe withUnsafeMutableBytes(of: &name.sun_path) { unsafe $0.copyBytes(from: text) }
        let length = MemoryLayout.size(ofValue: name.sun_family) + text.count
        return unsafe withUnsafePointer(to: &name) { pointer in
            unsafe body(UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self), socklen_t(length))
        }
    }
}
