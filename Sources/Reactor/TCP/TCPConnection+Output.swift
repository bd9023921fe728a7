import CLibuv

extension TCPConnection {
    /// Where to write what the peer should read next. It leaves at the end of the read callback, or of the turn.
    package var output: OutputBuffer {
        if let gathering { return gathering }
        let buffer = loop.outputPool.take()
        gathering = buffer
        return buffer
    }

    /// Bytes written here that the kernel has not taken yet, as far as that is known.
    package var backlog: Int { (sending?.remaining ?? 0) + (gathering?.remaining ?? 0) + (layer?.backlog ?? 0) }

    package var isCongested: Bool { backlog > Self.congestedMin }

    /// Whether a further request may be taken: not while the client reads too little, nor when the connection has had
    /// its share of the turn. Whoever then stops reading is told by `drained` when he may go on.
    package var mayTakeMore: Bool { !share.isUsedUp && !isCongested }

    /// Counts handling that took so long against the connection's share of the turn.
    package func charge(nanoseconds: UInt64) {
        share.add(nanoseconds: nanoseconds)
    }

    /// Asks for one flush at the end of the turn, for output made outside the connection's own callbacks.
    package func flushAtEndOfTurn() {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        loop.flushAtEndOfTurn(self)
    }

    /// Asks for `drained` at the end of this turn, or later if there is then too much output to write.
    package func resumeAtEndOfTurn() {
        isHeldUp = true
        flushAtEndOfTurn()
    }

    /// Writes what there is without waiting for the end of the turn, whatever the connection's share of it, and tells
    /// the handler nothing. The connection may be closed when this returns.
    package func writeNow() {
        while let buffer = nextToSend, write(buffer) {}
    }

    /// Writes what there is, and lets the handler go on if it was held up, as far as this turn's share goes. A handler
    /// that only its share held up goes on whether or not the peer reads.
    func flush() {
        isFlushScheduled = false
        beginTurn()
        writeOut()
        while isHeldUp, !isCongested {
            guard !share.isUsedUp else { return goOnInNextTurn() }
            isHeldUp = false
            handler?.drained()
            writeOut()
        }
        if isAllWritten { didWriteAll() }
    }

    /// To be called first whenever the loop comes to this connection.
    func beginTurn() {
        if !share.isOf(turn: loop.turn) { share = TurnShare(turn: loop.turn) }
    }

    private func goOnInNextTurn() {
        guard !isGoingOn else { return }
        isGoingOn = true
        loop.execute { [self] in
            isGoingOn = false
            flush()
        }
    }

    private func writeOut() {
        while let buffer = nextToSend {
            guard !share.isUsedUp else { return goOnInNextTurn() }
            guard write(buffer) else { return }
        }
    }

    private var isAllWritten: Bool { sending == nil && gathering?.isEmpty ?? true && (layer?.backlog ?? 0) == 0 }

    /// What is to be offered to the kernel next; nil: nothing, or not now.
    private var nextToSend: OutputBuffer? {
        guard writingCount == 0, canWrite else { return nil }
        guard sending == nil else { return sending }
        if let layer {
            sending = layer.takeOutput(from: &gathering)
        } else if let buffer = gathering, !buffer.isEmpty {
            sending = buffer
            gathering = nil
        }
        return sending
    }

    private var canWrite: Bool {
        switch life {
        case .open, .finishing: true
        case .lingering, .closing: false
        }
    }

    /// Offers the kernel one write's worth of `sending` and leaves to libuv what it does not take at once. False:
    /// nothing more can be written now.
    private func write(_ buffer: OutputBuffer) -> Bool {
        unsafe withUnsafeTemporaryAllocation(of: uv_buf_t.self, capacity: OutputBuffer.vectorsMax) { vectors in
            let offer = unsafe buffer.gather(into: vectors, bytesMax: Self.writeMax)
            let stream = unsafe tribe_stream_of_tcp(handle)
            let written = unsafe Int(uv_try_write(stream, vectors.baseAddress, UInt32(offer.vectors)))
            if written < 0, written != Int(UV_EAGAIN.rawValue) {
                close()
                return false
            }
            didSend(max(written, 0))
            if written == offer.bytes { return true }
            unsafe leaveToLibuv(buffer, offer.bytes - max(written, 0), vectors: vectors)
            return false
        }
    }

    /// The next `count` bytes leave when the kernel has room.
    private func leaveToLibuv(_ buffer: OutputBuffer, _ count: Int, vectors: UnsafeMutableBufferPointer<uv_buf_t>) {
        let rest = unsafe buffer.gather(into: vectors, bytesMax: count)
        let request = UnsafeMutablePointer<uv_write_t>.allocate(capacity: 1)
        unsafe request.pointee.data = unsafe Unmanaged.passRetained(self).toOpaque()
        let stream = unsafe tribe_stream_of_tcp(handle)
        let status = unsafe uv_write(request, stream, vectors.baseAddress, UInt32(rest.vectors)) { request, status in
            let connection = unsafe Unmanaged<TCPConnection>.fromOpaque(request!.pointee.data).takeRetainedValue()
            unsafe request!.deallocate()
            connection.didWrite(status: status)
        }
        guard status == 0 else {
            unsafe Unmanaged<TCPConnection>.fromOpaque(request.pointee.data).release()
            unsafe request.deallocate()
            return close()
        }
        writingCount = rest.bytes
    }

    private func didWrite(status: Int32) {
        let count = writingCount
        writingCount = 0
        guard status == 0 else {
            sending = nil
            return close()
        }
        beginTurn()
        didSend(count)
        flush()
    }

    /// The kernel has taken the next `count` bytes of `sending`: the one place that counts them.
    private func didSend(_ count: Int) {
        guard let buffer = sending else { preconditionFailure("\(count) bytes of nothing were sent") }
        buffer.noteSent(count)
        share.addWritten(count)
        acceptedCount &+= UInt64(count)
        if buffer.isEmpty {
            sending = nil
            loop.outputPool.giveBack(buffer)
        }
    }

    private func didWriteAll() {
        guard case .finishing = life else { return }
        if let layer, layer.endOutput() { return flush() }
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
        layer?.discard()
        // What libuv holds it gives back in the callback of the write.
        if writingCount == 0, let sending {
            loop.outputPool.giveBack(sending)
            self.sending = nil
        }
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

    /// A look at the deadlines.
    func checkDeadlines(now: UInt64, limits: OutputLimits) {
        switch life {
        case .closing:
            return
        case .lingering(let deadline):
            if now >= deadline { close() }
        case .open, .finishing:
            if let layer, layer.isOverdue(now: now) {
                layer.count(.failed)
                return close()
            }
            guard !isReadTooSlowly(now: now, limits: limits) else {
                loop.countSlowReader()
                return close()
            }
            handler?.checkDeadlines(now: now)
        }
    }

    private func isReadTooSlowly(now: UInt64, limits: OutputLimits) -> Bool {
        guard backlog > 0 else {
            pace.rest(taken: acceptedCount)
            return false
        }
        return pace.isTooSlow(now: now, taken: acknowledgedCount, limits: limits)
    }

    /// Bytes that the peer's TCP has acknowledged since the connection began.
    private var acknowledgedCount: UInt64 {
        let left = unsafe uv_stream_get_write_queue_size(tribe_stream_of_tcp(handle))
        let accepted = Int(acceptedCount) + max(0, writingCount - left)
        return UInt64(max(0, accepted - Int(unsafe tribe_unacknowledged(handle))))
    }
}
