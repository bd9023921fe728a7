/// The longest bytes that two strings have in common, in this order but with gaps, by dynamic programming. A pure core.
struct CommonSubsequence {
    /// Of how many bytes a table for strings of these lengths is.
    static func tableBytes(_ first: Int, _ second: Int) -> Int {
        let (cells, isTooLarge) = (first + 1).multipliedReportingOverflow(by: second + 1)
        let (bytes, isOverflow) = cells.multipliedReportingOverflow(by: MemoryLayout<UInt32>.stride)
        return isTooLarge || isOverflow ? .max : bytes
    }

    /// A run of equal bytes: both ends belong to it.
    struct Match: Equatable {
        let first: ClosedRange<Int>
        let second: ClosedRange<Int>
    }

    private(set) var bytes: [UInt8] = []
    /// From the last to the first.
    private(set) var matches: [Match] = []

    /// Only how long it is, with memory for two rows of the table.
    static func length(_ first: Span<UInt8>, _ second: Span<UInt8>) -> Int {
        var above = [UInt32](repeating: 0, count: second.count + 1)
        var row = above
        for place in first.indices {
            fill(&row, from: 0, above.span, first[place], second)
            swap(&row, &above)
        }
        return Int(above[second.count])
    }

    init(_ first: Span<UInt8>, _ second: Span<UInt8>) {
        let width = second.count + 1
        var table = [UInt32](repeating: 0, count: (first.count + 1) * width)
        var above = [UInt32](repeating: 0, count: width)
        for place in first.indices {
            Self.fill(&table, from: (place + 1) * width, above.span, first[place], second)
            for column in 0..<width { above[column] = table[(place + 1) * width + column] }
        }
        trace(table.span, first, second)
    }

    /// One row: for each column the longest of what ends before it.
    private static func fill(
        _ row: inout [UInt32], from start: Int, _ above: Span<UInt32>, _ byte: UInt8, _ second: Span<UInt8>
    ) {
        var left: UInt32 = 0
        row[start] = 0
        for column in second.indices {
            left = byte == second[column] ? above[column] + 1 : max(left, above[column + 1])
            row[start + column + 1] = left
        }
    }

    /// Walks from the last cell to the first: of two ways that are as good, the one that shortens the second string.
    private mutating func trace(_ table: Span<UInt32>, _ first: Span<UInt8>, _ second: Span<UInt8>) {
        let width = second.count + 1
        var (row, column) = (first.count, second.count)
        // How many bytes of the run that is being walked have been seen; it begins at `row` and `column`.
        var run = 0
        func match() -> Match {
            Match(first: row...row + run - 1, second: column...column + run - 1)
        }
        while row > 0, column > 0 {
            if first[row - 1] == second[column - 1] {
                bytes.append(first[row - 1])
                row -= 1
                column -= 1
                run += 1
                continue
            }
            if run > 0 { matches.append(match()) }
            run = 0
            if table[(row - 1) * width + column] > table[row * width + column - 1] {
                row -= 1
            } else {
                column -= 1
            }
        }
        if run > 0 { matches.append(match()) }
        bytes.reverse()
    }
}
