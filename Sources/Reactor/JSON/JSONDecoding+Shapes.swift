/// What a value must be to be read as an `Output`; anything else leaves a fault.
///
/// A shape with parts, as `.object` or `.array(of:)`, is best a constant: making one allocates.
package struct JSONShape<Output>: Sendable {
    /// Nil: it was not, and `faults` says why.
    package let read: @Sendable (JSONValue, JSONFaults) -> Output?

    package init(read: @escaping @Sendable (JSONValue, JSONFaults) -> Output?) {
        self.read = read
    }
}

extension JSONShape {
    /// A string that `parse` understands; `phrase` says what it must be, as in "a duration such as \"30s\"".
    package static func text(_ phrase: String, parse: @escaping @Sendable (String) -> Output?) -> JSONShape {
        JSONShape { value, faults in
            guard let string = value.string else {
                faults.addMismatch(at: value, expected: phrase)
                return nil
            }
            guard let output = parse(string) else {
                faults.add(.invalidValue, at: value, "expected \(phrase), got \(value.excerpt)")
                return nil
            }
            return output
        }
    }

    /// An object whose members `read` asks for; those it does not ask for are faults.
    package static func object(_ read: @escaping @Sendable (inout JSONFields) -> Output?) -> JSONShape {
        JSONShape { value, faults in
            var fields = JSONFields(of: value, faults)
            let output = read(&fields)
            fields.finish()
            return output
        }
    }

    /// An array of at most `countMax` elements of one shape. Nil if any of them is not of it.
    package static func array<Element>(of element: JSONShape<Element>, countMax: Int) -> JSONShape
    where Output == [Element] {
        JSONShape { value, faults in
            guard var elements = value.elements else {
                faults.addMismatch(at: value, expected: "an array")
                return nil
            }
            let count = elements.count
            guard count <= countMax else {
                faults.add(.outOfRange, at: value, "expected at most \(countMax) elements, got \(count)")
                return nil
            }
            var outputs: [Element] = []
            outputs.reserveCapacity(count)
            while let next = elements.next() {
                if let output = element.read(next, faults) { outputs.append(output) }
            }
            return outputs.count == count ? outputs : nil
        }
    }
}

extension JSONShape where Output: CaseIterable & RawRepresentable & Sendable, Output.RawValue == String {
    /// A string: one of the raw values of `Output`.
    package static var word: JSONShape {
        let words = Array(Output.allCases)
        let phrase = "one of " + words.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        return JSONShape { value, faults in
            if let word = words.first(where: { value.equals($0.rawValue) }) { return word }
            if value.kind == .string {
                faults.add(.invalidValue, at: value, "expected \(phrase), got \(value.excerpt)")
            } else {
                faults.addMismatch(at: value, expected: phrase)
            }
            return nil
        }
    }
}

extension JSONShape where Output == String {
    package static var string: JSONShape {
        JSONShape { value, faults in
            if let string = value.string { return string }
            faults.addMismatch(at: value, expected: "a string")
            return nil
        }
    }
}

extension JSONShape where Output == [UInt8] {
    /// Any value, as the bytes that it is in the source.
    package static var source: JSONShape {
        JSONShape { value, _ in
            let span = value.span
            return [UInt8](capacity: span.count) { output in
                for index in span.indices {
                    output.append(span[index])
                }
            }
        }
    }
}

extension JSONShape where Output == Bool {
    package static var boolean: JSONShape {
        JSONShape { value, faults in
            if let boolean = value.boolean { return boolean }
            faults.addMismatch(at: value, expected: "a boolean")
            return nil
        }
    }
}

extension JSONShape where Output: FixedWidthInteger & Sendable {
    /// A number without fraction and exponent.
    package static func integer(in range: ClosedRange<Output>) -> JSONShape {
        JSONShape { value, faults in
            guard value.kind == .number else {
                faults.addMismatch(at: value, expected: "a whole number")
                return nil
            }
            guard value.isInteger else {
                faults.add(.invalidValue, at: value, "expected a whole number, got \(value.excerpt)")
                return nil
            }
            guard let integer: Output = value.integer(), range.contains(integer) else {
                let bounds = "\(range.lowerBound) to \(range.upperBound)"
                faults.add(.outOfRange, at: value, "expected \(bounds), got \(value.excerpt)")
                return nil
            }
            return integer
        }
    }
}

extension JSONShape where Output == Int64 {
    package static var int64: JSONShape { .integer(in: .min ... .max) }
}

extension JSONShape where Output == Double {
    package static func number(in range: ClosedRange<Double>) -> JSONShape {
        JSONShape { value, faults in
            guard value.kind == .number else {
                faults.addMismatch(at: value, expected: "a number")
                return nil
            }
            guard let number = value.double, range.contains(number) else {
                let bounds = "\(range.lowerBound) to \(range.upperBound)"
                faults.add(.outOfRange, at: value, "expected \(bounds), got \(value.excerpt)")
                return nil
            }
            return number
        }
    }
}

extension JSONFaults {
    func addMismatch(at value: JSONValue, expected phrase: String) {
        add(.wrongType, at: value, "expected \(phrase), got \(value.kind.phrase)")
    }
}

extension JSONValue.Kind {
    package var phrase: String {
        switch self {
        case .null: "null"
        case .boolean: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

extension JSONValue {
    private static let excerptMax = 48

    /// The beginning of the source text, for a message. As it stands there, so that no control character of a string
    /// is on its way to a terminal.
    package var excerpt: String {
        var text = span
        guard text.count > Self.excerptMax else { return sourceText }
        text = text.extracting(first: Self.excerptMax)
        while let last = text.indices.last, text[last] & 0xC0 == 0x80 {
            text = text.extracting(droppingLast: 1)
        }
        if let last = text.indices.last, text[last] >= 0xC0 {
            text = text.extracting(droppingLast: 1)
        }
        return String(validated: text) + "…"
    }
}
