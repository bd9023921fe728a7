import Cluster
import Reactor
import Services

/// `GET /v1/cache?prefix=&limit=&cursor=`: a page of keys, gathered loop by loop.
///
/// A page may be short or empty before the end: a step looks at a bounded number of entries, so that a prefix which
/// matches little stalls nobody. Used on the loop of the request.
final class CacheListing: @unchecked Sendable {
    // Only the home loop touches it; other loops carry the reference back.

    private let node: NodeContext
    private let exchange: HTTPExchange
    private let prefix: [UInt8]
    private let limit: Int
    private var position: ListPosition
    private var items: [Item] = []
    private var stepsLeft = CacheListing.stepsMax

    private static let stepVisits = 4_096
    private static let stepsMax = 64

    private struct Item: Sendable {
        let key: [UInt8]
        let size: Int
        let version: Version
        let deadlines: Deadlines
    }

    static let handle: @Sendable (APIService, HTTPExchange, Span<UInt8>) -> Void = { service, exchange, _ in
        let head = exchange.head
        let query = CacheQuery(head.query, allowed: [.prefix, .limit, .cursor])
        guard query.faults.isEmpty else { return exchange.respond(invalid: query.faults) }
        var position = ListPosition.start
        if let cursor = query.cursor {
            guard let found = ListPosition(cursor: cursor, secret: service.node.cursorSecret),
                found.loop < service.node.cache.shards.count
            else {
                return exchange.respond(.badCursor, "The cursor is none that this node gave since its start.")
            }
            position = found
        }
        let listing = CacheListing(
            service.node, exchange, prefix: query.prefix ?? [], limit: query.limit, from: position)
        listing.step()
    }

    private init(
        _ node: NodeContext, _ exchange: HTTPExchange, prefix: [UInt8], limit: Int, from position: ListPosition
    ) {
        self.node = node
        self.exchange = exchange
        self.prefix = prefix
        self.limit = limit
        self.position = position
    }

    /// Looks at the next entries, on the loop that has them.
    private func step() {
        let shard = node.cache.shards[position.loop]
        let (cursor, prefix) = (position.cursor, prefix)
        let limits = ScanLimits(entries: limit - items.count, visits: Self.stepVisits)
        shard.loop.executeHereOrThere { [self] in
            var found: [Item] = []
            let next = shard.assumeIsolated { shard in
                shard.scan(from: cursor, limits: limits) { entry in
                    guard entry.key.hasPrefix(prefix) else { return }
                    found.append(
                        Item(
                            key: entry.key.indices.map { entry.key[$0] }, size: entry.valueLength,
                            version: entry.version, deadlines: entry.deadlines))
                }
            }
            let rows = found
            exchange.loop.executeHereOrThere { [self] in received(rows, next: next) }
        }
    }

    private func received(_ rows: [Item], next: ScanCursor?) {
        items += rows
        stepsLeft -= 1
        if let next {
            position.cursor = next
        } else {
            position = ListPosition(loop: position.loop + 1, cursor: .start)
        }
        let isLast = position.loop == node.cache.shards.count
        if !isLast, items.count < limit, stepsLeft > 0 {
            step()
        } else {
            answer(next: isLast ? nil : position.text(secret: node.cursorSecret))
        }
    }

    private func answer(next: String?) {
        guard exchange.isAnswerable else { return }
        let now = exchange.loop.now
        var writer = JSONWriter(capacity: 64 + items.count * 128)
        writer.object { writer in
            writer.array("items") { writer in
                for item in items {
                    writer.object { writer in
                        Self.writeKey(item.key, to: &writer)
                        writer.member("size", item.size)
                        BatchOperation.writeTTL(item.deadlines, now: now, to: &writer)
                        writer.member("etag", item.version.entityTag.text)
                    }
                }
            }
            if let next {
                writer.member("next", next)
            } else {
                writer.key("next")
                writer.null()
            }
        }
        let response = exchange.respond(.ok)
        response.headers("Content-Type: application/json\r\nCache-Control: no-store\r\n")
        response.finish(body: writer.span)
    }

    /// As text if it is text and survives in a URL, else in base64.
    private static func writeKey(_ key: [UInt8], to writer: inout JSONWriter) {
        if key != Array(".".utf8), key != Array("..".utf8), let text = String(validating: key, as: UTF8.self) {
            writer.member("key", text)
        } else {
            writer.key("key64")
            writer.string(utf8: Base64.encode(key.span).span)
        }
    }
}

/// Where a listing goes on: on which loop, and where in its table.
struct ListPosition: Equatable {
    let loop: Int
    var cursor: ScanCursor

    static let start = ListPosition(loop: 0, cursor: .start)

    init(loop: Int, cursor: ScanCursor) {
        self.loop = loop
        self.cursor = cursor
    }

    /// Opaque text: 16 hexadecimal digits of place and 16 of a keyed check, so that no other text is one.
    func text(secret: HashSecret) -> String {
        let place = place
        return Self.hex(place) + Self.hex(Self.check(place, secret))
    }

    init?(cursor text: [UInt8], secret: HashSecret) {
        guard text.count == 32, let place = Hex.parse(text.span.extracting(0..<16)),
            let check = Hex.parse(text.span.extracting(16..<32)), check == Self.check(place, secret)
        else { return nil }
        loop = Int(place >> 48)
        cursor = ScanCursor(partition: Int(place >> 32 & 0xFFFF), hash: UInt32(truncatingIfNeeded: place))
    }

    private var place: UInt64 { UInt64(loop) << 48 | UInt64(cursor.partition) << 32 | UInt64(cursor.hash) }

    private static func check(_ place: UInt64, _ secret: HashSecret) -> UInt64 {
        secret.hash(hex(place).utf8.span)
    }

    private static func hex(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
