import CLibuv
import Glibc

/// Watches one signal of the process. Used on its loop.
@safe
package final class LoopSignal {
    private let handle: UnsafeMutablePointer<uv_signal_t>
    private let action: () -> Void
    private var isClosed = false

    package enum Name: Sendable {
        case terminate
        case interrupt
        case hangup

        var number: Int32 {
            switch self {
            case .terminate: SIGTERM
            case .interrupt: SIGINT
            case .hangup: SIGHUP
            }
        }
    }

    /// Does `action` on the loop each time the process gets `name`. It lives until `close`.
    package init(loop: EventLoop, name: Name, action: @escaping () -> Void) {
        loop.assertInLoop()
        self.action = action
        unsafe handle = .allocate(capacity: 1)
        UV.must(unsafe uv_signal_init(loop.uv, handle), "uv_signal_init")
        unsafe handle.pointee.data = unsafe Unmanaged.passRetained(self).toOpaque()
        let status = unsafe uv_signal_start(
            handle,
            { handle, _ in
                unsafe Unmanaged<LoopSignal>.fromOpaque(handle!.pointee.data).takeUnretainedValue().action()
            }, name.number)
        UV.must(status, "uv_signal_start")
    }

    package func close() {
        guard !isClosed else { return }
        isClosed = true
        unsafe uv_close(tribe_handle_of_signal(handle)) { handle in
            let signal = unsafe UnsafeMutableRawPointer(handle!).assumingMemoryBound(to: uv_signal_t.self)
            unsafe Unmanaged<LoopSignal>.fromOpaque(signal.pointee.data).release()
            unsafe signal.deallocate()
        }
    }
}
