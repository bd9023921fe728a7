/// What is wrong with a document, said to the person who wrote it: which value, where in the text, and why.
package struct JSONFault: Error, Hashable, Sendable {
    /// The stable word of a fault, for programs.
    package enum Code: String, Sendable {
        case syntax
        case tooDeep = "too_deep"
        case tooLong = "too_long"
        case tooManyValues = "too_many_values"
        case duplicateMember = "duplicate_member"
        case missingMember = "missing_member"
        case unknownMember = "unknown_member"
        case wrongType = "wrong_type"
        case outOfRange = "out_of_range"
        case invalidValue = "invalid_value"
    }

    /// A pointer of more bytes than this is cut to that of the nearest enclosing value which fits.
    package static let pointerMax = 512

    package let code: Code
    /// A sentence without its full stop, with at most a short excerpt of the document.
    package let message: String
    /// What to write instead, where more is known than the message says.
    package let hint: String?
    /// RFC 6901. The value at fault; for a missing member the place where it belongs; between two members or elements
    /// the container of both.
    package let pointer: String
    /// Bytes before the fault.
    package let offset: Int
    /// From 1. Only a line feed ends a line, alone or after a carriage return.
    package let line: Int
    /// From 1, in Unicode scalars.
    package let column: Int
}

extension JSONFault: CustomStringConvertible {
    /// For a person and a terminal: the control characters of the document's names and excerpts are written as escapes.
    package var description: String {
        let place = pointer.isEmpty ? "" : " (\(pointer))"
        return Self.printable("line \(line), column \(column)\(place): \(message)")
    }

    private static func printable(_ text: String) -> String {
        let isControl = { (scalar: Unicode.Scalar) in scalar.properties.generalCategory == .control }
        return text.unicodeScalars.map { isControl($0) ? $0.escaped(asASCII: true) : String($0) }.joined()
    }
}

/// Why the reader stopped, and where: what a `JSONFault` is made from once, off the fast path.
struct JSONStop: Error {
    let reason: Reason
    let offset: Int

    enum Reason {
        case tooLong, tooDeep, tooManyValues
        case byteOrderMark, emptyDocument, trailingBytes
        case expectedValue, expectedValueOrBracket, expectedNameOrBrace, expectedName, expectedColon
        case expectedCommaOrBracket, expectedCommaOrBrace
        case unknownWord, leadingZero, expectedDigit
        case endInString, controlCharacter, unknownEscape, expectedHexDigit, halfSurrogatePair, invalidUTF8
        case duplicateName
    }
}

extension JSONStop.Reason {
    var code: JSONFault.Code {
        switch self {
        case .tooLong: .tooLong
        case .tooDeep: .tooDeep
        case .tooManyValues: .tooManyValues
        case .duplicateName: .duplicateMember
        case .byteOrderMark, .emptyDocument, .trailingBytes, .expectedValue, .expectedValueOrBracket,
            .expectedNameOrBrace, .expectedName, .expectedColon, .expectedCommaOrBracket, .expectedCommaOrBrace,
            .unknownWord, .leadingZero, .expectedDigit, .endInString, .controlCharacter, .unknownEscape,
            .expectedHexDigit, .halfSurrogatePair, .invalidUTF8:
            .syntax
        }
    }

    func message(under limits: JSONLimits) -> String {
        switch self {
        case .tooLong: "the document is longer than \(limits.bytesMax) bytes"
        case .tooDeep: "arrays and objects are nested more than \(limits.depthMax) deep"
        case .tooManyValues: "the document has more than \(limits.nodesMax) values and member names"
        case .byteOrderMark: "the document must begin with its value, not with a byte order mark"
        case .emptyDocument: "expected a value, but the document is empty"
        case .trailingBytes: "expected the end of the document after its value"
        case .expectedValue: "expected a value"
        case .expectedValueOrBracket: "expected a value or ']'"
        case .expectedNameOrBrace: "expected a member name in double quotes or '}'"
        case .expectedName: "expected a member name in double quotes after ','"
        case .expectedColon: "expected ':' after a member name"
        case .expectedCommaOrBracket: "expected ',' or ']' after an element"
        case .expectedCommaOrBrace: "expected ',' or '}' after a member"
        case .unknownWord: "expected true, false or null, in lower case"
        case .leadingZero: "a number of several digits must not begin with 0"
        case .expectedDigit: "expected a digit"
        case .endInString: "the document ends inside a string"
        case .controlCharacter: "a control character in a string must be written as an escape"
        case .unknownEscape: "expected one of \" \\ / b f n r t u after '\\'"
        case .expectedHexDigit: "expected four hexadecimal digits after '\\u'"
        case .halfSurrogatePair: "half of a surrogate pair is no character"
        case .invalidUTF8: "the text is not valid UTF-8"
        case .duplicateName: "the object has an earlier member of this name"
        }
    }
}
