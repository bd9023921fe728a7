/// The block sizes of the arena: steps of 16 bytes up to 256, then about an eighth each, chosen so that a whole number
/// of blocks fills a page. The last ones are halves and thirds of a page; only very long keys need those.
struct SizeClasses {
    /// A record is at least a header and one byte of key.
    static let blockMin = 48
    static let stepMax = 256

    let count: Int
    /// By class: bytes of a block.
    private let blockBytes: [Int]
    /// By number of 16-byte units: the smallest class that holds them.
    private let classOfUnits: [UInt8]

    init() {
        var sizes = Array(stride(from: Self.blockMin, through: Self.stepMax, by: CacheArena.unitBytes))
        var blocks = CacheArena.pageBytes / Self.stepMax
        while blocks > 1 {
            blocks = min(blocks - 1, blocks * 8 / 9)
            sizes.append(CacheArena.pageBytes / blocks / CacheArena.unitBytes * CacheArena.unitBytes)
        }
        var classes: [UInt8] = []
        for units in 0...CacheArena.pageUnits {
            let needed = units * CacheArena.unitBytes
            classes.append(UInt8(sizes.firstIndex { $0 >= needed } ?? 0))
        }
        count = sizes.count
        blockBytes = sizes
        classOfUnits = classes
    }

    /// The class for a block of `bytes`, which is at most a page.
    @inline(__always)
    func index(for bytes: Int) -> Int {
        Int(classOfUnits[(bytes + CacheArena.unitBytes - 1) / CacheArena.unitBytes])
    }

    @inline(__always)
    func bytes(_ index: Int) -> Int { blockBytes[index] }
}
