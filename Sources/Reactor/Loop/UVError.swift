import CLibuv

/// A libuv call that failed: what was tried, and why it could not be done.
package struct UVError: Error, Equatable, CustomStringConvertible {
    package let operation: String
    /// libuv's negative error number, which is the negated `errno` on Linux.
    package let code: Int32

    package var name: String { unsafe String(cString: uv_err_name(code)) }

    package var description: String {
        let reason = unsafe String(cString: uv_strerror(code))
        return "\(operation): \(reason) (\(name))"
    }

    package var isAddressInUse: Bool { code == UV_EADDRINUSE.rawValue }
    package var isPermissionDenied: Bool { code == UV_EACCES.rawValue }
}

/// The one gate between libuv's return codes and Swift's errors.
enum UV {
    @discardableResult
    static func check(_ code: Int32, _ operation: @autoclosure () -> String) throws(UVError) -> Int32 {
        guard code >= 0 else { throw UVError(operation: operation(), code: code) }
        return code
    }

    /// For calls that fail only by a bug of ours.
    static func must(_ code: Int32, _ operation: StaticString) {
        precondition(code >= 0, "\(operation): libuv error \(code)")
    }
}
