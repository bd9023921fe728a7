/// Writes RFC 8259 text without white space into a buffer it owns and reuses.
///
/// Containers are closures, so that none stays open; commas are the writer's. A value where an object expects a name, a
/// name in an array, a second document: each is a bug and traps.
///
/// What clients stored comes out here again, and a browser may take it for HTML or paste it into a script. So `<`, `>`,
/// `&`, U+2028 and U+2029 are written as escapes, which no JSON parser tells from the characters.
package struct JSONWriter: Sendable {
    /// Arrays and objects around a value, each counted.
    package static let depthMax = 64

    private var buffer: [UInt8] = []
    private var place = Place.document
    private var depth = 0
    /// A bit for each open container, the innermost lowest: 1 is an object.
    private var objects: UInt64 = 0

    /// What may come next.
    private enum Place {
        case document, firstName, name, member, firstElement, element, end
    }

    package init(capacity: Int = 0) {
        buffer.reserveCapacity(capacity)
    }

    /// The finished document; nothing before the first value.
    package var bytes: [UInt8] {
        precondition(isWhole, "a document read before its end")
        return buffer
    }

    /// `bytes` in place.
    package var span: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            precondition(isWhole, "a document read before its end")
            return buffer.span
        }
    }

    private var isWhole: Bool { place == .end || place == .document }

    /// Forgets the document, finished or not.
    package mutating func removeAll(keepingCapacity: Bool = false) {
        buffer.removeAll(keepingCapacity: keepingCapacity)
        place = .document
        depth = 0
        objects = 0
    }

    // MARK: Containers

    package mutating func object(_ members: (inout JSONWriter) -> Void) {
        open(UInt8(ascii: "{"), objects << 1 | 1, .firstName)
        members(&self)
        precondition(place == .firstName || place == .name, "an object that ends after a name")
        close(UInt8(ascii: "}"))
    }

    package mutating func array(_ elements: (inout JSONWriter) -> Void) {
        open(UInt8(ascii: "["), objects << 1, .firstElement)
        elements(&self)
        close(UInt8(ascii: "]"))
    }

    private mutating func open(_ bracket: UInt8, _ objects: UInt64, _ place: Place) {
        beginValue()
        precondition(depth < Self.depthMax, "more than \(Self.depthMax) containers in each other")
        buffer.append(bracket)
        depth += 1
        self.objects = objects
        self.place = place
    }

    private mutating func close(_ bracket: UInt8) {
        buffer.append(bracket)
        depth -= 1
        objects >>= 1
        endValue()
    }

    /// The name of the member whose value comes next. Names of one object differ: the caller sees to it.
    package mutating func key(_ name: String) {
        switch place {
        case .firstName: break
        case .name: buffer.append(UInt8(ascii: ","))
        case .document, .member, .firstElement, .element, .end:
            preconditionFailure("the name \(name) where a value is expected")
        }
        appendQuoted(name.utf8.span)
        buffer.append(UInt8(ascii: ":"))
        place = .member
    }

    // MARK: Values

    package mutating func string(_ text: String) {
        string(utf8: text.utf8.span)
    }

    /// Text in UTF-8. A byte that begins no well-formed sequence becomes U+FFFD, and the next byte is tried.
    package mutating func string(utf8 text: Span<UInt8>) {
        beginValue()
        appendQuoted(text)
        endValue()
    }

    /// The base64 of `bytes`.
    package mutating func string(base64Of bytes: Span<UInt8>) {
        beginValue()
        buffer.append(UInt8(ascii: "\""))
        buffer.append(addingCapacity: Base64.encodedCount(bytes.count)) { Base64.encode(bytes, into: &$0) }
        buffer.append(UInt8(ascii: "\""))
        endValue()
    }

    package mutating func integer(_ value: Int) {
        beginValue()
        if value < 0 {
            buffer.append(UInt8(ascii: "-"))
        }
        appendDigits(UInt64(value.magnitude))
        endValue()
    }

    package mutating func integer(_ value: UInt64) {
        beginValue()
        appendDigits(value)
        endValue()
    }

    /// The shortest number that reads back as `value`. NaN and the infinities have no JSON; they are `null`, as in
    /// JavaScript: a rate over nothing is unknown, and that is no reason to trap.
    package mutating func double(_ value: Double) {
        guard value.isFinite else { return null() }
        raw(value.description.utf8.span)
    }

    package mutating func bool(_ value: Bool) {
        raw((value ? "true" : "false").utf8.span)
    }

    package mutating func null() {
        raw("null".utf8.span)
    }

    /// A JSON text that is known to be one: a payload kept byte for byte.
    package mutating func raw(_ json: Span<UInt8>) {
        beginValue()
        append(json, from: 0, to: json.count)
        endValue()
    }

    private mutating func beginValue() {
        switch place {
        case .document, .member, .firstElement: break
        case .element: buffer.append(UInt8(ascii: ","))
        case .firstName, .name: preconditionFailure("a value where an object expects a name")
        case .end: preconditionFailure("a value after the document's end")
        }
    }

    private mutating func endValue() {
        if depth == 0 {
            place = .end
        } else {
            place = objects & 1 == 1 ? .name : .element
        }
    }
}

// MARK: Members

extension JSONWriter {
    package mutating func member(_ name: String, _ value: String) {
        key(name)
        string(value)
    }

    package mutating func member(_ name: String, _ value: Int) {
        key(name)
        integer(value)
    }

    package mutating func member(_ name: String, _ value: Bool) {
        key(name)
        bool(value)
    }

    package mutating func object(_ name: String, _ members: (inout JSONWriter) -> Void) {
        key(name)
        object(members)
    }

    package mutating func array(_ name: String, _ elements: (inout JSONWriter) -> Void) {
        key(name)
        array(elements)
    }
}

// MARK: Bytes

extension JSONWriter {
    /// By byte: it is ASCII and stands for itself. A table, because this is asked for every byte of every string.
    private static let isPlain = InlineArray<256, Bool> { byte in
        switch UInt8(byte) {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"): false
        case let byte: byte >= 0x20 && byte < 0x80
        }
    }

    private mutating func appendDigits(_ value: UInt64) {
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var first = digits.count
        var rest = value
        repeat {
            first -= 1
            digits[first] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        } while rest > 0
        append(digits.span, from: first, to: digits.count)
    }

    private mutating func appendQuoted(_ text: Span<UInt8>) {
        buffer.append(UInt8(ascii: "\""))
        // The first byte that is read but not written: what needs no escape is copied in one piece.
        var pending = 0
        var index = 0
        while index < text.count {
            if Self.isPlain[Int(text[index])] {
                index += 1
                continue
            }
            let length = text[index] < 0x80 ? 1 : UTF8Sequence.length(in: text, at: index)
            if length > 1, !UTF8Sequence.isLineSeparator(text, at: index) {
                index += length
                continue
            }
            append(text, from: pending, to: index)
            appendReplacement(of: text, at: index, length: length)
            index += max(length, 1)
            pending = index
        }
        append(text, from: pending, to: text.count)
        buffer.append(UInt8(ascii: "\""))
    }

    /// The escape of the character at `index`, or U+FFFD where none begins (`length` 0).
    private mutating func appendReplacement(of text: Span<UInt8>, at index: Int, length: Int) {
        switch (length, text[index]) {
        case (0, _):
            // One by one: an array of the three would be made anew for each, and there may be millions.
            buffer.append(0xEF)
            buffer.append(0xBF)
            buffer.append(0xBD)
        case (3, _): appendEscape(code: 0x2000 + UInt16(text[index + 2] & 0x3F))
        case (_, UInt8(ascii: "\"")): appendEscape("\"")
        case (_, UInt8(ascii: "\\")): appendEscape("\\")
        case (_, 0x08): appendEscape("b")
        case (_, 0x09): appendEscape("t")
        case (_, 0x0A): appendEscape("n")
        case (_, 0x0C): appendEscape("f")
        case (_, 0x0D): appendEscape("r")
        case (_, let byte): appendEscape(code: UInt16(byte))
        }
    }

    private mutating func appendEscape(_ letter: Unicode.Scalar) {
        buffer.append(UInt8(ascii: "\\"))
        buffer.append(UInt8(ascii: letter))
    }

    private mutating func appendEscape(code: UInt16) {
        appendEscape("u")
        for shift in stride(from: 12, through: 0, by: -4) {
            let digit = UInt8(code >> shift & 0xF)
            buffer.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    private mutating func append(_ source: Span<UInt8>, from start: Int, to end: Int) {
        buffer.append(addingCapacity: end - start) { output in
            for index in start..<end {
                output.append(source[index])
            }
        }
    }
}

/// Well-formed UTF-8 by Unicode's table 3-7.
private enum UTF8Sequence {
    /// Bytes of the sequence of two to four that begins at `index`; 0 if none does.
    static func length(in text: Span<UInt8>, at index: Int) -> Int {
        let first = text[index]
        // The range of the second byte is what keeps out overlong forms, surrogates and all above U+10FFFF.
        switch first {
        case 0xC2...0xDF: return follow(text, index, 2, 0x80...0xBF)
        case 0xE0: return follow(text, index, 3, 0xA0...0xBF)
        case 0xED: return follow(text, index, 3, 0x80...0x9F)
        case 0xE1...0xEF: return follow(text, index, 3, 0x80...0xBF)
        case 0xF0: return follow(text, index, 4, 0x90...0xBF)
        case 0xF1...0xF3: return follow(text, index, 4, 0x80...0xBF)
        case 0xF4: return follow(text, index, 4, 0x80...0x8F)
        default: return 0
        }
    }

    private static func follow(
        _ text: Span<UInt8>, _ index: Int, _ length: Int, _ second: ClosedRange<UInt8>
    ) -> Int {
        guard length <= text.count - index, second.contains(text[index + 1]) else { return 0 }
        for next in index + 2..<index + length where text[next] & 0xC0 != 0x80 {
            return 0
        }
        return length
    }

    /// U+2028 or U+2029, given that a well-formed sequence begins at `index`.
    static func isLineSeparator(_ text: Span<UInt8>, at index: Int) -> Bool {
        text[index] == 0xE2 && text[index + 1] == 0x80 && text[index + 2] & 0xFE == 0xA8
    }
}
