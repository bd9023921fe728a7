/// A value of a document that was read: a cursor into its source and tape, valid while both are.
///
/// Every accessor answers nil for a value of another kind.
package struct JSONValue: ~Escapable {
    let source: Span<UInt8>
    let nodes: Span<JSONNode>
    let index: Int

    package enum Kind: Sendable {
        case null, boolean, number, string, array, object
    }

    @_lifetime(copy source, copy nodes)
    init(source: Span<UInt8>, nodes: Span<JSONNode>, index: Int) {
        self.source = source
        self.nodes = nodes
        self.index = index
    }

    var node: JSONNode { nodes[index] }

    package var kind: Kind {
        switch node.tag {
        case .null: .null
        case .true, .false: .boolean
        case .number: .number
        case .plainString, .escapedString: .string
        case .array: .array
        case .object: .object
        }
    }

    package var isNull: Bool { node.tag == .null }

    package var boolean: Bool? {
        switch node.tag {
        case .true: true
        case .false: false
        case .null, .number, .plainString, .escapedString, .array, .object: nil
        }
    }

    /// The bytes of the value as they stand in the source, quotes, brackets and blanks inside included.
    package var span: Span<UInt8> {
        @_lifetime(copy self)
        get { source.extracting(Int(node.start)..<Int(node.end)) }
    }

    /// The same as text: a number as it was written.
    package var sourceText: String { String(validated: span) }

    /// The elements of an array, in order.
    package var elements: JSONElements? {
        @_lifetime(copy self)
        get { node.tag == .array ? JSONElements(of: self) : nil }
    }

    /// The members of an object, in order.
    package var members: JSONMembers? {
        @_lifetime(copy self)
        get { node.tag == .object ? JSONMembers(of: self) : nil }
    }

    /// The value of the first member called `name`. Looks at each member up to it: for several names, `JSONFields`.
    @_lifetime(copy self)
    package func member(_ name: String) -> JSONValue? {
        guard var members else { return nil }
        while let member = members.next() {
            if member.name.equals(name) { return member.value }
        }
        return nil
    }

    @_lifetime(copy self)
    func sibling(at index: Int) -> JSONValue {
        JSONValue(source: source, nodes: nodes, index: index)
    }
}

/// The elements of an array: `while let element = elements.next()`. Not a `Sequence`, whose elements must be able to
/// outlive it.
package struct JSONElements: ~Escapable {
    private let array: JSONValue
    private var index: Int

    @_lifetime(copy array)
    fileprivate init(of array: JSONValue) {
        self.array = array
        index = array.index + 1
    }

    @_lifetime(copy self)
    package mutating func next() -> JSONValue? {
        guard index < array.node.next else { return nil }
        let element = array.sibling(at: index)
        index = element.node.next
        return element
    }

    /// How many are left. Walks over them.
    package var count: Int {
        var rest = self
        var count = 0
        while rest.next() != nil {
            count += 1
        }
        return count
    }
}

/// One member of an object. Its name is a string value.
package struct JSONMember: ~Escapable {
    package let name: JSONValue

    @_lifetime(copy name)
    fileprivate init(name: JSONValue) {
        self.name = name
    }

    package var value: JSONValue {
        @_lifetime(copy self)
        get { name.sibling(at: name.index + 1) }
    }
}

/// The members of an object: `while let member = members.next()`.
package struct JSONMembers: ~Escapable {
    private let object: JSONValue
    private var index: Int

    @_lifetime(copy object)
    fileprivate init(of object: JSONValue) {
        self.object = object
        index = object.index + 1
    }

    @_lifetime(copy self)
    package mutating func next() -> JSONMember? {
        guard index < object.node.next else { return nil }
        let member = JSONMember(name: object.sibling(at: index))
        index = member.value.node.next
        return member
    }
}

/// A document that owns its text: for settings, and for a request that waits.
package struct JSONDocument: Sendable {
    private let source: [UInt8]
    private let nodes: [JSONNode]

    package init(_ source: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONFault) {
        var reader = JSONReader(limits: limits)
        nodes = try reader.tape(of: source.span)
        self.source = source
    }

    package var root: JSONValue {
        @_lifetime(borrow self)
        get { JSONValue(source: source.span, nodes: nodes.span, index: 0) }
    }
}
