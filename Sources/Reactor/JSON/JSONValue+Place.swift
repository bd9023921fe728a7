extension JSONValue {
    /// The RFC 6901 pointer from the document to this value. Walks the tape from its start.
    package var pointer: String {
        var path = JSONPath(source: source, nodes: nodes)
        return path.pointer(to: index, bytesMax: .max)
    }

    /// Line and column of its first byte, as in `JSONFault`. Counts from the start of the source.
    package var position: (line: Int, column: Int) {
        var place = JSONPlace()
        place.advance(to: Int(node.start), in: source)
        return (place.line, place.column)
    }
}

/// Line and column of ascending offsets, in one pass over the source for all of them.
struct JSONPlace {
    private(set) var line = 1
    private(set) var column = 1
    private var offset = 0

    mutating func advance(to target: Int, in source: Span<UInt8>) {
        while offset < target {
            let byte = source[offset]
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
            offset += 1
        }
    }
}

/// Pointers to nodes in ascending order, in one walk over the tape for all of them.
///
/// The way down to the node of before is kept; the next one continues from where the two part.
struct JSONPath: ~Escapable {
    private let source: Span<UInt8>
    private let nodes: Span<JSONNode>
    private var steps: [Step] = []

    private struct Step {
        let container: Int
        /// A child of the container: of an object, the node of a name.
        var child: Int
        /// How many elements or members precede that child.
        var position: Int
    }

    @_lifetime(copy source, copy nodes)
    init(source: Span<UInt8>, nodes: Span<JSONNode>) {
        self.source = source
        self.nodes = nodes
    }

    /// A name has the pointer of its member. `target` may also be the node that would have come next on the tape of a
    /// document that was given up, if all that was open includes it. `name`: of a member that the target lacks.
    /// A longer pointer than `bytesMax` ends with the last token that fits.
    mutating func pointer(to target: Int, lacking name: String? = nil, bytesMax: Int) -> String {
        descend(to: target)
        var pointer = ""
        for step in steps {
            guard let token = token(of: step, bytesMax), pointer.utf8.count + token.utf8.count < bytesMax else {
                return pointer
            }
            pointer += "/" + token
        }
        guard let name, pointer.utf8.count + name.utf8.count < bytesMax else { return pointer }
        return pointer + "/" + Self.token(name)
    }

    /// Nil: a name that never came, or one of more than `bytesMax` bytes. (An escape makes of six bytes at least one.)
    private func token(of step: Step, _ bytesMax: Int) -> String? {
        guard nodes[step.container].tag == .object else { return String(step.position) }
        guard step.child < nodes.count else { return nil }
        let name = JSONValue(source: source, nodes: nodes, index: step.child)
        guard name.content.count / 6 <= bytesMax else { return nil }
        return name.string.map(Self.token)
    }

    /// A member name as part of a pointer.
    static func token(_ name: String) -> String {
        var token = ""
        for scalar in name.unicodeScalars {
            switch scalar {
            case "~": token += "~0"
            case "/": token += "~1"
            default: token.unicodeScalars.append(scalar)
            }
        }
        return token
    }

    private mutating func descend(to target: Int) {
        while let last = steps.last, target >= nodes[last.container].next {
            steps.removeLast()
        }
        if steps.isEmpty, target > 0 {
            steps.append(Step(container: 0, child: 1, position: 0))
        }
        while var step = steps.popLast() {
            while target >= next(after: value(of: step)) {
                step.child = next(after: value(of: step))
                step.position += 1
            }
            steps.append(step)
            let value = value(of: step)
            guard target > value else { return }
            steps.append(Step(container: value, child: value + 1, position: 0))
        }
    }

    /// The node of the value of the step's element or member.
    private func value(of step: Step) -> Int {
        nodes[step.container].tag == .object ? step.child + 1 : step.child
    }

    private func next(after index: Int) -> Int {
        index < nodes.count ? nodes[index].next : index + 1
    }
}
