extension Sequence {
    /// In their order, as few pieces as fit: each of at most `countMax` elements and `bytesMax` bytes, unless a single
    /// element is longer. No piece is empty.
    func chunks(countMax: Int, bytesMax: Int, byteCount: (Element) -> Int) -> [[Element]] {
        var chunks: [[Element]] = []
        var chunk: [Element] = []
        var bytes = 0
        for element in self {
            let size = byteCount(element)
            if !chunk.isEmpty, chunk.count == countMax || bytes + size > bytesMax {
                chunks.append(chunk)
                chunk = []
                bytes = 0
            }
            chunk.append(element)
            bytes += size
        }
        return chunk.isEmpty ? chunks : chunks + [chunk]
    }
}
