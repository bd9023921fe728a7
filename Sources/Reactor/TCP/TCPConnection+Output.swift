import CLibuv

extension TCPConnection {
    /// Where to write what the peer should read next. It leaves at the end of the read callback, or of the turn.
    package var output: OutputBuffer {
        if let gathering { return gathering }
        let buffer = loop.outputPool.take()
        gathering = buffer
        return buffer
    }

    /// Bytes written here that the kernel has not taken yet.
    package var backlog: Int { (writing?.remaining ?? 0) + (gathering?.remaining ?? 0) }

    package var isCongested: Bool { backlog > Self.congestedMin }

    /// Asks for one flush at the end of the turn, for output made outside the connection's own callbacks.
    package func flushAtEndOfTurn() {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        loop.flushAtEndOfTurn(self)
    }

    /// Asks for `drained` once this turn's output is written.
    package func resumeAtEndOfTurn() {
        isHeldUp = true
        flushAtEndOfTurn()
    }

    /// Writes what there is without waiting for the end of the turn, and tells the handler nothing. The connection may
    /// be closed when this returns.
    package func writeNow() { writeOut() }

    /// One gathered write of what there is; then the handler goes on if it was held up.
    func flush() {
        isFlushScheduled = false
        writeOut()
        while writing == nil, isHeldUp {
            isHeldUp = false
            handler?.drained()
            writeOut()
        }
        if writing == nil { didWriteAll() }
    }

    private func writeOut() {
        while writing == nil, let buffer = gathering, !buffer.isEmpty, canWrite {
            guard write(buffer) else { return }
        }
    }

    private var canWrite: Bool {
        switch life {
        case .open, .finishing: true
        case .lingering, .closing: false
        }
    }

    /// Writes what the kernel takes at once and leaves the rest to libuv. False: nothing more can be written now.
    private func write(_ buffer: OutputBuffer) -> Bool {
        let total = buffer.remaining
        return unsafe withUnsafeTemporaryAllocation(of: uv_buf_t.self, capacity: OutputBuffer.vectorsMax) { vectors in
            let used = unsafe buffer.gather(into: vectors)
            let stream = unsafe tribe_stream_of_tcp(handle)
            let written = unsafe Int(uv_try_write(stream, vectors.baseAddress, UInt32(used)))
            if written < 0, written != Int(UV_EAGAIN.rawValue) {
                close()
                return false
            }
            buffer.noteSent(max(written, 0))
            if written == total {
                gathering = nil
                loop.outputPool.giveBack(buffer)
                return true
            }
            return unsafe leaveToLibuv(buffer, vectors: vectors)
        }
    }

    /// False, always: the rest leaves when the kernel has room.
    private func leaveToLibuv(_ buffer: OutputBuffer, vectors: UnsafeMutableBufferPointer<uv_buf_t>) -> Bool {
        let used = unsafe buffer.gather(into: vectors)
        let request = UnsafeMutablePointer<uv_write_t>.allocate(capacity: 1)
        unsafe request.pointee.data = unsafe Unmanaged.passRetained(self).toOpaque()
        let stream = unsafe tribe_stream_of_tcp(handle)
        let status = unsafe uv_write(request, stream, vectors.baseAddress, UInt32(used)) { request, status in
            let connection = unsafe Unmanaged<TCPConnection>.fromOpaque(request!.pointee.data).takeRetainedValue()
            unsafe request!.deallocate()
            connection.didWrite(status: status)
        }
        guard status == 0 else {
            unsafe Unmanaged<TCPConnection>.fromOpaque(request.pointee.data).release()
            unsafe request.deallocate()
            close()
            return false
        }
        gathering = nil
        writing = buffer
        writingCount = unsafe vectors.prefix(used).reduce(0) { unsafe $0 + $1.len }
        backlogMovedAt = loop.monotonicNow
        return false
    }

    private func didWrite(status: Int32) {
        guard let buffer = writing else { return }
        writing = nil
        guard status == 0 else { return close() }
        buffer.noteSent(writingCount)
        if buffer.isEmpty {
            loop.outputPool.giveBack(buffer)
        } else if let later = gathering {
            // More pieces than one write can name: the rest goes first.
            buffer.append(contentsOf: later)
            loop.outputPool.giveBack(later)
            gathering = buffer
        } else {
            gathering = buffer
        }
        flush()
    }

    private func didWriteAll() {
        guard case .finishing = life else { return }
        if isInputEnded { return close() }
        shutDownOutput()
    }
}

// MARK: - End

extension TCPConnection {
    /// Takes no more from the peer, writes out what there is, and closes so that the peer reads it. What the peer still
    /// sends is thrown away: closing with unread input would reset the connection and destroy the answer.
    package func finish() {
        guard isOpen else { return }
        life = .finishing
        startReading()
        flushAtEndOfTurn()
    }

    private func shutDownOutput() {
        life = .lingering(deadline: loop.monotonicNow + Self.lingerTime)
        let request = UnsafeMutablePointer<uv_shutdown_t>.allocate(capacity: 1)
        let status = unsafe uv_shutdown(request, tribe_stream_of_tcp(handle)) { request, _ in
            unsafe request!.deallocate()
        }
        if status < 0 {
            unsafe request.deallocate()
            close()
        }
    }

    /// Closes at once, whatever is unsent.
    package func close() {
        if case .closing = life { return }
        life = .closing
        loop.connections.remove(self)
        stopReading()
        if let gathering { loop.outputPool.giveBack(gathering) }
        gathering = nil
        closeHandle()
        handler?.closed()
        handler = nil
    }

    func closeHandle() {
        unsafe uv_close(tribe_handle_of_tcp(handle)) { handle in
            let tcp = unsafe UnsafeMutableRawPointer(handle!).assumingMemoryBound(to: uv_tcp_t.self)
            unsafe Unmanaged<TCPConnection>.fromOpaque(tcp.pointee.data).release()
            unsafe tcp.deallocate()
        }
    }

    /// A look at the deadlines. `writeTime`: a peer that reads nothing for so long (ms) is dropped.
    func checkDeadlines(now: UInt64, writeTime: UInt64) {
        switch life {
        case .closing:
            return
        case .lingering(let deadline):
            if now >= deadline { close() }
        case .open, .finishing:
            if writing != nil, isWriteStalled(now: now, writeTime: writeTime) { return close() }
            handler?.checkDeadlines(now: now)
        }
    }

    private func isWriteStalled(now: UInt64, writeTime: UInt64) -> Bool {
        let backlog = unsafe uv_stream_get_write_queue_size(tribe_stream_of_tcp(handle))
        if backlog != backlogSeen {
            backlogSeen = backlog
            backlogMovedAt = now
        }
        return now > backlogMovedAt + writeTime
    }
}
