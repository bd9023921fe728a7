/// The words of several commands, kept one behind the other to travel together.
package struct ArgumentBatch: Sendable {
    private var bytes: [UInt8] = []
    private var slots: [ArgumentSlot] = []
    private var blobs: [Blob] = []
    /// By command, where its slots end.
    private var ends: [Int] = []

    package init() {}

    package var count: Int { ends.count }

    package mutating func append(_ arguments: Arguments) {
        for index in 0..<arguments.count {
            if let blob = arguments.blob(index) {
                slots.append(.blob(blobs.count, count: blob.count))
                blobs.append(blob)
            } else {
                slots.append(ArgumentSlot(start: bytes.count, count: arguments[index].count))
                bytes.append(span: arguments[index])
            }
        }
        ends.append(slots.count)
    }

    package subscript(index: Int) -> Arguments {
        @_lifetime(borrow self)
        get {
            let start = index == 0 ? 0 : ends[index - 1]
            return Arguments(bytes.span, slots.span.extracting(start..<ends[index]), blobs.span)
        }
    }
}
