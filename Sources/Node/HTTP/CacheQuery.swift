import Reactor
import Services

/// The query parameters of the cache routes, each read and each fault kept.
struct CacheQuery {
    enum Name: String, CaseIterable {
        case ttl, stale, tags, acks, refresh, wait, consistency, prefix, limit, cursor, tag, all
    }

    /// Milliseconds.
    private(set) var ttl: UInt64?
    private(set) var stale: UInt64?
    private(set) var refresh: UInt64?
    private(set) var wait: UInt64 = 0
    private(set) var tags: [[UInt8]] = []
    private(set) var acks: Int?
    private(set) var prefix: [UInt8]?
    private(set) var limit = Self.limitDefault
    private(set) var cursor: [UInt8]?
    private(set) var tag: [UInt8]?
    private(set) var all = false
    /// The nearest copy may answer.
    private(set) var isLocal = false
    private(set) var faults: [Problem.Fault] = []

    static let limitDefault = 100
    static let limitMax = 1_000
    static let waitMax: UInt64 = 60_000
    static let refreshMax: UInt64 = 600_000
    static let tagLengthMax = 256

    /// Reads `query`, the raw text after the `?`. A parameter that the route does not know is a fault: a misspelt `ttl`
    /// would else store for ever.
    init(_ query: Span<UInt8>, allowed: [Name]) {
        var pairs = QueryPairs(query)
        var seen: [Name] = []
        while let pair = pairs.nextPair() {
            var nameBytes: [UInt8] = []
            var value: [UInt8] = []
            var raw = query.extracting(0..<0)
            do throws(PercentFault) {
                try PercentCoding.decode(query: query.extracting(pair.name), appendingTo: &nameBytes)
                if let range = pair.value {
                    raw = query.extracting(range)
                    try PercentCoding.decode(query: raw, appendingTo: &value)
                }
            } catch {
                faults.append(Problem.Fault(parameter: "?", "A '%' must be followed by two hexadecimal digits."))
                continue
            }
            let text = String(decoding: nameBytes, as: UTF8.self)
            guard let name = Name(rawValue: text), allowed.contains(name) else {
                let known = allowed.map(\.rawValue).joined(separator: ", ")
                faults.append(
                    Problem.Fault(parameter: text, known.isEmpty ? "This route has no parameters." : "Known: \(known).")
                )
                continue
            }
            guard !seen.contains(name) else {
                fault(name, "Given twice.")
                continue
            }
            seen.append(name)
            read(name, value, raw: raw)
        }
        if stale != nil, ttl == nil { fault(.stale, "Without a ttl an entry never becomes stale: add ttl=.") }
        if seen.contains(.wait), !seen.contains(.refresh) {
            fault(.wait, "Without refresh= there is nothing to wait for: add refresh=.")
        }
    }

    private mutating func read(_ name: Name, _ value: [UInt8], raw: Span<UInt8>) {
        switch name {
        case .ttl: ttl = duration(name, value, max: Self.ttlMax)
        case .stale: stale = duration(name, value, max: Self.ttlMax)
        case .refresh: refresh = duration(name, value, max: Self.refreshMax)
        case .wait: wait = duration(name, value, min: 0, max: Self.waitMax) ?? 0
        case .tags: readTags(raw)
        case .acks: acks = integer(name, value, in: 0...4)
        case .limit: limit = integer(name, value, in: 1...Self.limitMax) ?? Self.limitDefault
        case .prefix: prefix = value
        case .cursor: cursor = value
        case .tag:
            if let tag = checkedTag(name, value[...]) { self.tag = tag }
        case .all:
            if value == Array("true".utf8) { all = true } else { fault(name, "The only value is true.") }
        case .consistency:
            isLocal = value == Array("local".utf8)
            if !isLocal { fault(name, "The only value is local: the nearest copy may answer.") }
        }
    }

    /// A hundred years: a ttl is a duration, not a date.
    static let ttlMax: UInt64 = 36_500 * 86_400_000

    private mutating func duration(_ name: Name, _ value: [UInt8], min: UInt64 = 1, max: UInt64) -> UInt64? {
        do throws(DurationText.Fault) {
            let time = UInt64(try DurationText.parse(value.span).milliseconds)
            if time >= min, time <= max { return time }
            let longest = DurationText.render(.milliseconds(Int64(max)))
            fault(name, min == 0 ? "At most \(longest)." : "More than 0 and at most \(longest).")
        } catch {
            fault(name, error.detail)
        }
        return nil
    }

    private mutating func integer(_ name: Name, _ value: [UInt8], in range: ClosedRange<Int>) -> Int? {
        let isDigits = !value.isEmpty && value.count <= 6 && value.allSatisfy { $0 >= 48 && $0 <= 57 }
        if isDigits, let number = Int(String(decoding: value, as: UTF8.self)), range.contains(number) { return number }
        fault(name, "A number from \(range.lowerBound) to \(range.upperBound).")
        return nil
    }

    /// Splits before it decodes, so that `%2C` is a comma of a tag. `raw` is known to have no broken escape.
    private mutating func readTags(_ raw: Span<UInt8>) {
        var start = 0
        for end in 0...raw.count where end == raw.count || raw[end] == UInt8(ascii: ",") {
            guard tags.count < CacheMetadata.tagsMax else {
                return fault(.tags, "At most \(CacheMetadata.tagsMax) tags.")
            }
            var piece: [UInt8] = []
            try? PercentCoding.decode(query: raw.extracting(start..<end), appendingTo: &piece)
            guard let tag = checkedTag(.tags, piece[...]) else { return }
            tags.append(tag)
            start = end + 1
        }
    }

    private mutating func checkedTag(_ name: Name, _ tag: ArraySlice<UInt8>) -> [UInt8]? {
        guard !tag.isEmpty, tag.count <= Self.tagLengthMax else {
            fault(name, "A tag has 1 to \(Self.tagLengthMax) bytes.")
            return nil
        }
        return Array(tag)
    }

    private mutating func fault(_ name: Name, _ detail: String) {
        faults.append(Problem.Fault(parameter: name.rawValue, detail))
    }
}
