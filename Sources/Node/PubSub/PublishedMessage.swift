import Reactor

/// A message to a channel on its way to subscribers on any loop.
struct PublishedMessage: Sendable {
    enum Payload: Sendable {
        case bytes([UInt8])
        /// Sent to all without copying.
        case shared(Blob)
    }

    let channel: [UInt8]
    let payload: Payload

    /// Payloads from so many bytes on are shared: below that, copying costs less than another piece of a write.
    static let sharedMin = 16 << 10

    /// Nil: there is no room for the payload.
    init?(channel: Span<UInt8>, payload: Span<UInt8>, budget: any MemoryBudget) {
        self.channel = [UInt8](span: channel)
        if payload.count < Self.sharedMin {
            self.payload = .bytes([UInt8](span: payload))
        } else {
            guard let blob = Blob.reserving(capacity: payload.count, from: budget) else { return nil }
            blob.append(payload)
            self.payload = .shared(blob)
        }
    }

    /// Bytes that every subscriber gets by reference.
    var sharedCount: Int {
        switch payload {
        case .bytes: 0
        case .shared(let blob): blob.count
        }
    }

    var payloadBytes: [UInt8] {
        switch payload {
        case .bytes(let bytes): bytes
        case .shared(let blob): [UInt8](span: blob.span)
        }
    }
}
