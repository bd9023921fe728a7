import CLibuv

/// Tells when a file has become another: written to, replaced by a rename, gone, or there again. Used on its loop.
///
/// By asking for its status (libuv's fs_poll), not by inotify: that watches what a name stood for, which an editor that
/// writes anew and renames has taken away, and it sees nothing on network file systems or when a link on the way is
/// swapped.
@safe
package final class LoopFileWatch {
    private let handle: UnsafeMutablePointer<uv_fs_poll_t>
    private let action: () -> Void
    private var isClosed = false

    /// Does `action` each time that the file at `path` was found to differ from before, which is looked at every
    /// `interval` milliseconds on a thread of libuv's pool. It lives until `close`.
    package init(loop: EventLoop, path: String, interval: UInt32, action: @escaping () -> Void) {
        loop.assertInLoop()
        self.action = action
        unsafe handle = .allocate(capacity: 1)
        UV.must(unsafe uv_fs_poll_init(loop.uv, handle), "uv_fs_poll_init")
        unsafe handle.pointee.data = unsafe Unmanaged.passRetained(self).toOpaque()
        let status = unsafe uv_fs_poll_start(
            handle,
            { handle, _, _, _ in
                unsafe Unmanaged<LoopFileWatch>.fromOpaque(handle!.pointee.data).takeUnretainedValue().action()
            }, path, interval)
        UV.must(status, "uv_fs_poll_start")
    }

    package func close() {
        guard !isClosed else { return }
        isClosed = true
        unsafe uv_close(tribe_handle_of_fs_poll(handle)) { handle in
            let watch = unsafe UnsafeMutableRawPointer(handle!).assumingMemoryBound(to: uv_fs_poll_t.self)
            unsafe Unmanaged<LoopFileWatch>.fromOpaque(watch.pointee.data).release()
            unsafe watch.deallocate()
        }
    }
}
