// What a handler expects of a body, and every fault of it in one answer.
//
//     let faults = JSONFaults()
//     var fields = JSONFields(of: body, faults)
//     let by = fields.optional("by", .integer(in: 1...Int64.max)) ?? 1
//     let ttl = fields.optional("ttl", .string)
//     fields.finish()
//     guard faults.isEmpty else { return .invalid(faults.report(in: body)) }
//
// A value that is missing or wrong reads as nil and leaves a fault; the handler goes on, so that the others are found
// too. No Codable: it stops at the first fault, knows no place in the text, and ignores members that it does not know.

/// The faults found in one document so far. A class, because each nested object of the body adds to it.
package final class JSONFaults {
    /// Later faults are only counted: a client that sends a million of them gets no answer of a million.
    package static let countMax = 100

    /// How many faults were found after `countMax` others.
    package private(set) var omitted = 0
    private var entries: [Entry] = []

    private struct Entry {
        let node: Int
        /// The member of `node` that is not there.
        let missing: String?
        let code: JSONFault.Code
        let message: String
        let hint: String?
    }

    package init() {}

    package var isEmpty: Bool { entries.isEmpty }

    /// A fault of `value`, or of the member `missing` that it lacks.
    package func add(
        _ code: JSONFault.Code, at value: JSONValue, missing: String? = nil, hint: @autoclosure () -> String? = nil,
        _ message: @autoclosure () -> String
    ) {
        guard entries.count < Self.countMax else {
            omitted += 1
            return
        }
        entries.append(Entry(node: value.index, missing: missing, code: code, message: message(), hint: hint()))
    }

    /// All of them in the order of the text, with their places. `value`: any one of the document.
    package func report(in value: JSONValue) -> [JSONFault] {
        var path = JSONPath(source: value.source, nodes: value.nodes)
        var place = JSONPlace()
        var faults: [JSONFault] = []
        // By the order of finding too: the sort alone does not promise to keep equals as they were.
        let order = entries.indices.sorted { (entries[$0].node, $0) < (entries[$1].node, $1) }
        for entry in order.map({ entries[$0] }) {
            let offset = Int(value.nodes[entry.node].start)
            place.advance(to: offset, in: value.source)
            faults.append(
                JSONFault(
                    code: entry.code, message: entry.message, hint: entry.hint,
                    pointer: path.pointer(to: entry.node, lacking: entry.missing, bytesMax: JSONFault.pointerMax),
                    offset: offset, line: place.line, column: place.column))
        }
        return faults
    }
}

/// The members of one object, asked for by name. `finish` reports those that nobody asked for.
package struct JSONFields: ~Escapable {
    package let faults: JSONFaults
    private let object: JSONValue
    /// False: the value is no object, which is its only fault.
    private let isObject: Bool
    /// The names asked for so far.
    private var known: [String] = []

    private static let knownMax = 64
    /// A longer unknown name gets no hint.
    private static let hintedMax = 64

    @_lifetime(copy value)
    package init(of value: JSONValue, _ faults: JSONFaults) {
        object = value
        self.faults = faults
        isObject = value.kind == .object
        if !isObject {
            faults.addMismatch(at: value, expected: "an object")
        }
    }

    /// The value of the member `name`, whatever it is.
    @_lifetime(copy self)
    package mutating func value(_ name: String) -> JSONValue? {
        precondition(known.count < Self.knownMax, "an object of more than \(Self.knownMax) known members")
        if known.isEmpty { known.reserveCapacity(8) }
        known.append(name)
        return object.member(name)
    }

    /// A member that may be absent, or null to the same effect.
    package mutating func optional<Output>(_ name: String, _ shape: JSONShape<Output>) -> Output? {
        guard let value = value(name), !value.isNull else { return nil }
        return shape.read(value, faults)
    }

    /// A member whose absence is a fault.
    package mutating func required<Output>(_ name: String, _ shape: JSONShape<Output>) -> Output? {
        guard let value = value(name) else {
            if isObject {
                faults.add(.missingMember, at: object, missing: name, "the member \"\(name)\" is missing")
            }
            return nil
        }
        return shape.read(value, faults)
    }

    /// Reports that the member `name`, which is there, cannot stand beside the others.
    package func fault(_ name: String, _ message: String) {
        if let value = object.member(name) { faults.add(.invalidValue, at: value, message) }
    }

    /// Reports the members that were not asked for, and those that repeat one.
    package consuming func finish() {
        guard var members = object.members else { return }
        var seen: UInt64 = 0
        while let member = members.next() {
            guard let index = known.firstIndex(where: { member.name.equals($0) }) else {
                reportUnknown(member.name)
                continue
            }
            if seen & 1 << index != 0 {
                faults.add(.duplicateMember, at: member.name, "the object has an earlier member \"\(known[index])\"")
            }
            seen |= 1 << index
        }
    }

    private func reportUnknown(_ name: JSONValue) {
        faults.add(.unknownMember, at: name, "unknown member \(name.excerpt)\(hint(for: name))")
    }

    private func hint(for name: JSONValue) -> String {
        guard name.content.count <= Self.hintedMax, let text = name.string else { return "" }
        return EditDistance.nearest(to: text, among: known).map { ", did you mean \"\($0)\"?" } ?? ""
    }
}

package enum EditDistance {
    /// The word that was most likely meant by `text`: the nearest, if at most a third of the letters differ.
    package static func nearest(to text: String, among words: [String]) -> String? {
        let distances = words.map { between(text, $0) }
        guard let least = distances.min(), let index = distances.firstIndex(of: least) else { return nil }
        return least * 3 <= max(text.utf8.count, 3) ? words[index] : nil
    }

    /// How many bytes must be inserted, removed, replaced, or swapped with their neighbour to make one text of the
    /// other (optimal string alignment).
    package static func between(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        var before: [Int] = []
        var previous = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            for column in right.indices {
                var distance = min(previous[column + 1] + 1, current[column] + 1)
                distance = min(distance, previous[column] + (left[row] == right[column] ? 0 : 1))
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    distance = min(distance, before[column - 1] + 1)
                }
                current.append(distance)
            }
            (before, previous) = (previous, current)
        }
        return previous[right.count]
    }
}
