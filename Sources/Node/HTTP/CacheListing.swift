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
    /// The keys that the caller may have; nil: all. Others are passed over.
    private let permitted: NamePatterns?
    private let limit: Int
    private let walk: KeyspaceWalk
    private var items: [Item] = []

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
        var position = KeyspacePosition.start
        if let cursor = query.cursor {
            guard let found = KeyspacePosition(cursor: cursor, secret: service.node.cursorSecret),
                found.loop < service.node.cache.shards.count
            else {
                return exchange.respond(.badCursor, "The cursor is none that this node gave since its start.")
            }
            position = found
        }
        let listing = CacheListing(
            service.node, exchange, prefix: query.prefix ?? [], permitted: service.boundToken(of: exchange)?.keys,
            limit: query.limit, from: position)
        listing.step()
    }

    private init(
        _ node: NodeContext, _ exchange: HTTPExchange, prefix: [UInt8], permitted: NamePatterns?, limit: Int,
        from position: KeyspacePosition
    ) {
        self.node = node
        self.exchange = exchange
        self.prefix = prefix
        self.permitted = permitted
        self.limit = limit
        walk = KeyspaceWalk(node, home: exchange.loop, from: position)
    }

    /// Looks at the next entries.
    private func step() {
        let (prefix, permitted) = (prefix, permitted)
        walk.step(entriesMax: limit - items.count) { entry, _ in
            guard entry.key.hasPrefix(prefix), permitted?.contain(entry.key) ?? true else { return nil }
            return Item(
                key: [UInt8](span: entry.key), size: entry.valueLength, version: entry.version,
                deadlines: entry.deadlines)
        } received: { [self] (rows: [Item], _) in
            items += rows
            if let position = walk.position {
                guard items.count >= limit || walk.stepCount == Self.stepsMax else { return step() }
                answer(next: position.text(secret: node.cursorSecret))
            } else {
                answer(next: nil)
            }
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
        response.jsonHeaders()
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

extension KeyspacePosition {
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
