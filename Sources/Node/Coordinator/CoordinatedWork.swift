import Cluster
import Services

/// Something that can be done at the primary of a partition: on this node, or, written down, on another.
protocol CoordinatedWork: Sendable {
    /// It may change entries, so that its answer waits for copies and has to be remembered.
    var isChange: Bool { get }

    /// Bytes that it holds on to, about.
    var byteCount: Int { get }

    var forwarded: ForwardedWork { get }

    /// Does it on the loop of its partition and calls `completion` there, once, with the outcome: at once if it changes
    /// anything, so that the changes are its own.
    func run(
        on shard: isolated CacheShard, _ node: NodeContext, completion: @escaping @Sendable (_ outcome: [UInt8]) -> Void
    )
}

enum WorkCodec {
    /// The work that `forwarded` describes, to be done by `coordinator`.
    static func decode(
        _ forwarded: ForwardedWork, on coordinator: Coordinator
    ) throws(WireFault) -> any CoordinatedWork {
        var reader = WireReader(forwarded.bytes.span)
        let work: any CoordinatedWork
        switch forwarded.kind {
        case .commands: work = try CommandWork(&reader)
        case .versions: work = try WatchWork(&reader)
        case .exchange: work = try ForwardedExchange(&reader, on: coordinator)
        case .batch: work = try BatchWork(&reader)
        }
        try reader.finish()
        return work
    }
}
