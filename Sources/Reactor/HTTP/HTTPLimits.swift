/// How much of one request the decoder takes before the body. Every limit is enforced while the bytes arrive, so that a
/// client costs at most `headerMax` before it is refused. Defaults are those of the setting `limits`.
package struct HTTPLimits: Equatable, Sendable {
    /// What the offsets of a head can name: they are 16 bits wide.
    package static let headerCeiling = Int(UInt16.max)
    /// What the index of known fields can name: it keeps positions in 8 bits, one value of which means none.
    package static let fieldsCeiling = Int(UInt8.max) - 1

    private let header: UInt16
    private let fields: UInt16
    private let uri: UInt16
    private let trailer: UInt16

    /// Bytes from the first of the request line to the empty line, both included.
    package var headerMax: Int { Int(header) }
    /// Fields of a head, and of a trailer section.
    package var fieldsMax: Int { Int(fields) }
    /// Bytes of the request target.
    package var uriMax: Int { Int(uri) }
    /// Bytes of a trailer section, its empty line included.
    package var trailerMax: Int { Int(trailer) }

    package init(
        headerMax: Int = 16 * 1024, fieldsMax: Int = 100, uriMax: Int = 8 * 1024, trailerMax: Int = 4 * 1024
    ) {
        precondition((1...Self.headerCeiling).contains(headerMax), "headerMax \(headerMax)")
        precondition((1...Self.fieldsCeiling).contains(fieldsMax), "fieldsMax \(fieldsMax)")
        precondition((1...headerMax).contains(uriMax), "uriMax \(uriMax) of headerMax \(headerMax)")
        precondition((2...Self.headerCeiling).contains(trailerMax), "trailerMax \(trailerMax)")
        header = UInt16(headerMax)
        fields = UInt16(fieldsMax)
        uri = UInt16(uriMax)
        trailer = UInt16(trailerMax)
    }
}
