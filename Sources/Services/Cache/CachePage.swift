/// What the arena knows of one page.
struct CachePage: BitwiseCopyable {
    static let noBlock = UInt16.max

    let sizeClass: UInt8
    /// The list it is in (`PageShelf`); `PageShelf.offShelf`: none, because it is full or being evacuated.
    var level = PageShelf.offShelf
    /// Blocks in use.
    var used: UInt16 = 0
    /// Blocks below this one were handed out at least once; those above are untouched memory.
    var fresh: UInt16 = 0
    /// The first free block handed out before, in units from the start of the page.
    var freeHead = Self.noBlock
    /// Neighbours in its list; zero: none.
    var previous: UInt32 = 0
    var next: UInt32 = 0

    init(sizeClass: UInt8) {
        self.sizeClass = sizeClass
    }
}

/// The pages of an arena, by number. A view of memory that the arena has mapped.
@safe
struct PageTable {
    static let entryBytes = MemoryLayout<CachePage>.stride

    private let base: UnsafeMutablePointer<CachePage>
    private let count: Int

    init(_ start: UnsafeMutableRawPointer, count: Int) {
        unsafe base = start.bindMemory(to: CachePage.self, capacity: count)
        self.count = count
    }

    subscript(number: UInt32) -> CachePage {
        @inline(__always)
        get {
            precondition(Int(number) < count)
            return unsafe base[Int(number)]
        }
        @inline(__always)
        nonmutating _modify {
            precondition(Int(number) < count)
            yield unsafe &base[Int(number)]
        }
    }
}

/// The pages of one size class that have room, in lists by fullness: level 7 is nearly full, level 0 nearly empty.
struct PageShelf {
    static let levels = 8
    static let offShelf = UInt8.max

    let blocksPerPage: Int
    /// `used x 8 / blocksPerPage` as a multiplication: this is 2^16 x 8 / blocksPerPage, rounded down.
    private let levelFactor: Int
    private var heads: InlineArray<8, UInt32> = .init(repeating: CacheArena.noPage)
    /// A bit per level that has pages.
    private(set) var filledLevels: UInt8 = 0
    /// Blocks without a record in all pages of the class but one being evacuated.
    var freeBlocks = 0
    /// Pages with room.
    private(set) var pageCount = 0

    init(blocksPerPage: Int) {
        self.blocksPerPage = blocksPerPage
        levelFactor = (Self.levels << 16) / blocksPerPage
    }

    var fullest: UInt32 { heads[7 - filledLevels.leadingZeroBitCount] }
    var emptiest: UInt32 { heads[filledLevels.trailingZeroBitCount] }

    /// The level of a page with `used` blocks in use.
    @inline(__always)
    func level(used: Int) -> UInt8 {
        used == blocksPerPage ? Self.offShelf : UInt8(truncatingIfNeeded: (used * levelFactor) >> 16)
    }

    mutating func link(_ number: UInt32, _ level: UInt8, _ pages: borrowing PageTable) {
        pages[number].level = level
        guard level != Self.offShelf else { return }
        let head = heads[Int(level)]
        pages[number].previous = CacheArena.noPage
        pages[number].next = head
        if head != CacheArena.noPage {
            pages[head].previous = number
        }
        heads[Int(level)] = number
        filledLevels |= 1 << level
        pageCount += 1
    }

    mutating func unlink(_ number: UInt32, _ pages: borrowing PageTable) {
        let page = pages[number]
        guard page.level != Self.offShelf else { return }
        pages[number].level = Self.offShelf
        if page.previous == CacheArena.noPage {
            heads[Int(page.level)] = page.next
        } else {
            pages[page.previous].next = page.next
        }
        if page.next != CacheArena.noPage {
            pages[page.next].previous = page.previous
        }
        if heads[Int(page.level)] == CacheArena.noPage {
            filledLevels &= ~(1 << page.level)
        }
        pageCount -= 1
    }
}
