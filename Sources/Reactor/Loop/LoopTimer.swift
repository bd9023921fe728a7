import CLibuv

/// A timer of one loop: used, and released, on the loop's thread.
@safe
package final class LoopTimer {
    private let handle: UnsafeMutablePointer<uv_timer_t>
    private let action: () -> Void
    private var isClosed = false

    /// A timer that does `action` each time it is due. It lives until `close`, whoever else lets it go.
    package init(loop: EventLoop, action: @escaping () -> Void) {
        loop.assertInLoop()
        self.action = action
        unsafe handle = .allocate(capacity: 1)
        UV.must(unsafe uv_timer_init(loop.uv, handle), "uv_timer_init")
        unsafe handle.pointee.data = unsafe Unmanaged.passRetained(self).toOpaque()
    }

    /// Due once after `delay` milliseconds, then every `interval` if that is not 0. Starting again replaces both.
    package func start(after delay: UInt64, every interval: UInt64 = 0) {
        precondition(!isClosed, "a closed timer cannot start")
        let status = unsafe uv_timer_start(
            handle,
            { handle in
                unsafe Unmanaged<LoopTimer>.fromOpaque(handle!.pointee.data).takeUnretainedValue().action()
            }, delay, interval)
        UV.must(status, "uv_timer_start")
    }

    package func stop() {
        guard !isClosed else { return }
        unsafe uv_timer_stop(handle)
    }

    package func close() {
        guard !isClosed else { return }
        isClosed = true
        unsafe uv_close(tribe_handle_of_timer(handle)) { handle in
            let timer = unsafe UnsafeMutableRawPointer(handle!).assumingMemoryBound(to: uv_timer_t.self)
            unsafe Unmanaged<LoopTimer>.fromOpaque(timer.pointee.data).release()
            unsafe timer.deallocate()
        }
    }
}
